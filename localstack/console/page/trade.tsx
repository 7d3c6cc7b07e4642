/** The trade beside the graph: legs, orders and fills, and what the exit will do. */
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, minute, plural, price, rupees } from "./format";
import { Icon } from "./icons";
import { Notice } from "./parts";
import { Problem, read, setup } from "./server";
import type { Execution, Leg, Order, Trade, TradeAccount } from "./types";

/** Read again when the execution has moved, and now and then while it runs; never faster than the setup says. */
export function useTrade(arn: string, execution: Execution, isShown: boolean) {
  const [trade, setTrade] = useState<Trade | null>(null);
  const [problem, setProblem] = useState("");
  const asked = useRef(0);
  const [tick, setTick] = useState(0);
  const running = execution.status === "RUNNING";
  useEffect(() => {
    if (!running || !isShown) return;
    const timer = window.setInterval(() => !document.hidden && setTick((n) => n + 1), Math.max(2000, setup.tradePause * 3000));
    return () => window.clearInterval(timer);
  }, [running, isShown]);
  useEffect(() => {
    if (!isShown || !execution.facts.run_key) return;
    const asking = new AbortController();
    const wait = Math.max(0, asked.current + setup.tradePause * 1000 - Date.now());
    const timer = window.setTimeout(() => {
      asked.current = Date.now();
      read<Trade>("/api/execution/trade", { arn }, asking.signal)
        .then((answer) => {
          setTrade(answer);
          setProblem("");
        })
        .catch((wrong: unknown) => wrong instanceof Problem && wrong.status !== 0 && setProblem(wrong.message));
    }, wait);
    return () => {
      window.clearTimeout(timer);
      asking.abort();
    };
  }, [arn, execution.events, execution.status, isShown, tick]);
  return { trade, problem };
}

function OrderLine({ order }: { order: Order }) {
  const share = order.quantity ? Math.min(100, (order.filled / order.quantity) * 100) : 0;
  return (
    <li class="order">
      <div class="order-main">
        <span class={`side ${order.side.toLowerCase()}`}>{order.side}</span>
        <strong>
          {order.filled}/{order.quantity}
        </strong>
        <span>{order.filled > 0 ? `at ${price(order.price)}` : `limit ${price(order.limit)}`}</span>
        <span class={`order-status o-${order.status.toLowerCase()}`}>{order.status}</span>
      </div>
      <span class="fill" aria-hidden="true">
        <span style={{ width: `${share}%` }} />
      </span>
      <dl class="order-ids">
        <dt>Tag</dt>
        <dd>
          <code>{order.tag}</code>
        </dd>
        <dt>Broker's id</dt>
        <dd>{order.broker_order_id ? <code>{order.broker_order_id}</code> : "none yet"}</dd>
        <dt>{order.purpose}</dt>
        <dd>
          {[
            order.slice > 1 && `slice ${order.slice}`,
            order.attempt > 1 && `attempt ${order.attempt}`,
            order.modifications > 0 && plural(order.modifications, "change"),
            clock(order.at),
          ]
            .filter(Boolean)
            .join(", ")}
        </dd>
      </dl>
      {order.reason && <p class="under">{order.reason}</p>}
    </li>
  );
}

function LegCard({ leg }: { leg: Leg }) {
  const realised = Number(leg.realised);
  return (
    <section class="leg" aria-label={`Leg ${leg.leg}, ${leg.symbol}`}>
      <header>
        <span class="leg-number">Leg {leg.leg}</span>
        <strong>{leg.symbol}</strong>
        <span class="leg-size">
          <span class={`side ${leg.side.toLowerCase()}`}>{leg.side}</span> {leg.quantity}
          {leg.lots !== null && ` (${plural(leg.lots, "lot")})`}
        </span>
      </header>
      <dl class="leg-facts">
        <div>
          <dt>In</dt>
          <dd>{leg.entry_qty ? `${leg.entry_qty} at ${price(leg.entry_price)}` : "nothing yet"}</dd>
        </div>
        <div>
          <dt>Out</dt>
          <dd>{leg.exit_qty ? `${leg.exit_qty} at ${price(leg.exit_price)}` : "nothing yet"}</dd>
        </div>
        <div>
          <dt>Realised</dt>
          <dd class={realised < 0 ? "loss" : realised > 0 ? "gain" : ""}>{leg.exit_qty ? rupees(leg.realised) : "—"}</dd>
        </div>
      </dl>
      {leg.orders.length > 0 && (
        <ul class="orders">
          {leg.orders.map((order) => (
            <OrderLine key={order.tag} order={order} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Account({ account }: { account: TradeAccount }) {
  const realised = Number(account.realised);
  const isOut = account.legs.some((leg) => leg.exit_qty > 0);
  return (
    <section class="account" aria-label={`Account ${account.account}`}>
      <header class="account-head">
        <h3>
          {account.account} <span class="muted">{account.broker}</span>
        </h3>
        <span class={`phase p-${account.phase.toLowerCase()}`}>{account.phase}</span>
        <span class="muted">
          {account.underlying} {account.product} · enters until {minute(account.entry_until)} · exits {minute(account.exit_at)}
        </span>
        {isOut && (
          <p class={`result ${realised < 0 ? "loss" : "gain"}`}>
            {rupees(account.realised)} <span class="muted">before charges</span>
          </p>
        )}
      </header>
      {account.legs.map((leg) => (
        <LegCard key={leg.leg} leg={leg} />
      ))}
      <div class="exit">
        <h4>What the exit will do</h4>
        <p>{account.exit.say}</p>
        {account.exit.orders.length > 0 && (
          <ul>
            {account.exit.orders.map((order) => (
              <li key={order.leg}>
                <span class={`side ${order.side.toLowerCase()}`}>{order.side}</span> {order.quantity} {order.symbol}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

export function TradePanel({ execution, trade, problem }: { execution: Execution; trade: Trade | null; problem: string }) {
  if (!execution.facts.run_key)
    return (
      <div class="empty">
        <Icon name="map" size={28} />
        <p>This execution is no run of a strategy, so it has no orders.</p>
      </div>
    );
  return (
    <div class="trade">
      <p class="muted">
        Run <code>{execution.facts.run_key}</code>
      </p>
      {(problem || trade?.trouble) && <Notice kind="bad">The tables say: {problem || trade?.trouble}</Notice>}
      {trade?.accounts.map((account) => (
        <Account key={account.account} account={account} />
      ))}
      {trade && trade.accounts.length === 0 && !trade.trouble && (
        <div class="empty">
          <p>No account has planned anything yet: nothing was sent.</p>
        </div>
      )}
    </div>
  );
}
