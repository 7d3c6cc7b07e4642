/** One execution: graph, table or events at the left, the step and the trade at the right. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { LoginDialog, RedriveDialog, StartDialog, StopDialog } from "./dialogs";
import { EventsView } from "./events";
import { clock, day, duration, machineWord, plural, statusWord, subject, times } from "./format";
import { allStates } from "./graph/layout";
import { GraphView } from "./graph/graph";
import { Icon } from "./icons";
import { isOver, type Known, merge, type Picks } from "./model";
import { FailureBox, StepPanel } from "./panel";
import { Data, Notice, StatusPill, Tabs, useNow } from "./parts";
import { change, executionPath, follow, useRoute } from "./route";
import { follow as followStream, Problem, read, setup } from "./server";
import { TableView } from "./table";
import { TradePanel, useTrade } from "./trade";
import type { Change, Detail, Execution, Failure, Machine, Row, Step } from "./types";

type View = "graph" | "table" | "events";
type Side = "step" | "trade" | "data";
type Asking = "" | "redrive" | "stop" | "start" | "login";

function useExecution(arn: string) {
  const [known, setKnown] = useState<Known | null>(null);
  const [about, setAbout] = useState<{ machineName: string; definition: string | null } | null>(null);
  const [problem, setProblem] = useState("");
  const [lost, setLost] = useState(false);
  useEffect(() => {
    let frame = 0;
    let waiting: Change[] = [];
    const take = (change: Change) => {
      waiting.push(change);
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        const changes = waiting;
        waiting = [];
        setKnown((before) => changes.reduce<Known | null>(merge, before));
      });
    };
    read<Execution & { machineName: string; definition: string | null }>("/api/execution", { arn })
      .then(setAbout)
      .catch((wrong: unknown) => setProblem(wrong instanceof Problem ? wrong.message : String(wrong)));
    const stop = followStream<Change>(`/api/execution/stream?arn=${encodeURIComponent(arn)}`, take, setLost);
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [arn]);
  const machine = useMemo<Machine | null>(() => {
    try {
      const found = JSON.parse(about?.definition ?? "null");
      return found?.States ? found : null;
    } catch {
      return null;
    }
  }, [about?.definition]);
  return { known, machine, machineName: about?.machineName ?? "", isTold: about !== null, problem, lost };
}

function useFamily(arn: string, count: number) {
  const [family, setFamily] = useState<{ parents: Row[] }>({ parents: [] });
  useEffect(() => {
    read<{ parents: Row[] }>("/api/execution/family", { arn })
      .then(setFamily)
      .catch(() => undefined); // the way back by the address is still there
  }, [arn, count]);
  return family;
}

/** Until when running Wait states wait: their definition says where it stands, their input holds it. */
function useWaits(arn: string, known: Known | null, machine: Machine | null) {
  const [until, setUntil] = useState<Map<number, number>>(new Map());
  const asked = useRef(new Set<number>());
  useEffect(() => {
    if (!known || !machine) return;
    const states = allStates(machine);
    for (const step of known.steps.values()) {
      const state = states.get(step.state);
      if (step.kind !== "Wait" || step.status !== "RUNNING" || asked.current.has(step.id) || !state) continue;
      asked.current.add(step.id);
      const remember = (at: number) => at && setUntil((map) => new Map(map).set(step.id, at));
      if (state.Seconds) remember(step.entered + state.Seconds);
      else if (state.Timestamp) remember(Date.parse(state.Timestamp) / 1000);
      else if (state.TimestampPath)
        read<Detail>("/api/execution/step", { arn, step: step.id })
          .then((detail) => remember(Date.parse(String(lookUp(detail.input, state.TimestampPath ?? ""))) / 1000))
          .catch(() => asked.current.delete(step.id));
    }
  }, [known, machine]);
  return until;
}

function lookUp(text: string | null, path: string): unknown {
  let value: unknown = JSON.parse(text ?? "null");
  for (const name of path.replace(/^\$\.?/, "").split(".").filter(Boolean)) value = (value as Record<string, unknown> | null)?.[name];
  return value;
}

function Announcer({ known }: { known: Known }) {
  const [said, setSaid] = useState("");
  const active = [...known.steps.values()].filter((step) => !isOver(step.status)).pop();
  const text = isOver(known.execution.status)
    ? `Execution ${statusWord(known.execution.status)}${known.execution.failure?.error ? `: ${known.execution.failure.error}` : ""}`
    : active
      ? `${active.state} ${statusWord(active.status)}`
      : "";
  useEffect(() => {
    const timer = window.setTimeout(() => setSaid(text), 800); // a burst of states is one sentence
    return () => window.clearTimeout(timer);
  }, [text]);
  return (
    <p class="hidden" role="status">
      {said}
    </p>
  );
}

function Head(props: { known: Known; machineName: string; parents: Row[]; now: number; ask: (asking: Asking) => void }) {
  const { execution } = props.known;
  const { query } = useRoute();
  const from = query.get("from") ?? "";
  const parents = props.parents.length ? props.parents.map((row) => row.arn) : from ? [from] : [];
  const running = execution.status === "RUNNING";
  const redrivable = execution.redriveStatus === "REDRIVABLE";
  const title = subject(execution.facts);
  return (
    <div class="head">
      <nav class="crumbs" aria-label="Where this is">
        <a href="/" onClick={follow}>
          Executions
        </a>
        {parents.map((arn) => (
          <a key={arn} class="parent" href={executionPath(arn)} onClick={follow}>
            <Icon name="up" size={12} /> started by {machineWord(arn.split(":")[6] ?? "")} {props.parents.find((row) => row.arn === arn)?.facts.side.toLowerCase()}
          </a>
        ))}
        <span>{machineWord(props.machineName || execution.machine)}</span>
      </nav>
      <div class="head-main">
        <h1>{title || execution.name}</h1>
        <StatusPill status={execution.status} />
        {execution.redrives > 0 && (
          <span class="badge redriven">
            <Icon name="redrive" size={12} /> redriven {times(execution.redrives)}
          </span>
        )}
        <div class="actions">
          {!setup.readOnly && (
            <>
              {running && (
                <button type="button" class="button danger" onClick={() => props.ask("stop")}>
                  <Icon name="stop" /> Stop
                </button>
              )}
              {!running && execution.status !== "SUCCEEDED" && (
                <button
                  type="button"
                  class={`button ${execution.failure?.remedy === "login" ? "" : "primary"}`}
                  disabled={!redrivable}
                  title={redrivable ? "" : execution.redriveReason || "This endpoint does not say that it can be redriven"}
                  onClick={() => props.ask("redrive")}
                >
                  <Icon name="redrive" /> Redrive
                </button>
              )}
              <button type="button" class="button" onClick={() => props.ask("start")}>
                <Icon name="play" /> New execution
              </button>
            </>
          )}
        </div>
      </div>
      <p class="meta">
        {title && <code>{execution.name}</code>}
        {execution.start && (
          <span>
            started {day(execution.start)} {clock(execution.start)} IST
          </span>
        )}
        {execution.start && <span>{duration((execution.stop ?? props.now) - execution.start)}</span>}
        <span>{plural(execution.events, "event")}</span>
      </p>
    </div>
  );
}

function Offer({ execution, failure, ask, loggedIn }: { execution: Execution; failure: Failure; ask: (asking: Asking) => void; loggedIn: boolean }) {
  if (setup.readOnly || execution.status === "RUNNING") return null;
  const redrivable = execution.redriveStatus === "REDRIVABLE";
  return (
    <div class="buttons left">
      {failure.remedy === "login" && failure.account && setup.canLogIn && (
        <button type="button" class={`button ${loggedIn ? "" : "primary"}`} onClick={() => ask("login")}>
          <Icon name="login" /> Log {failure.account} in here
        </button>
      )}
      {failure.remedy === "login" && !setup.canLogIn && (
        <a class="button" href="https://kite.zerodha.com" target="_blank" rel="noreferrer">
          <Icon name="login" /> Kite's login
        </a>
      )}
      {(failure.remedy === "login" || failure.remedy === "redrive") && redrivable && (
        <button type="button" class={`button ${loggedIn || failure.remedy === "redrive" ? "primary" : ""}`} onClick={() => ask("redrive")}>
          <Icon name="redrive" /> Redrive
        </button>
      )}
      {failure.remedy === "new" && (
        <button type="button" class="button primary" onClick={() => ask("start")}>
          <Icon name="play" /> New execution
        </button>
      )}
    </div>
  );
}

export function ExecutionView({ arn }: { arn: string }) {
  const { known, machine, machineName, isTold, problem, lost } = useExecution(arn);
  const { query } = useRoute();
  const [asking, ask] = useState<Asking>("");
  const [loggedIn, setLoggedIn] = useState(false);
  useEffect(() => {
    if (known) document.title = `${statusWord(known.execution.status)} · ${subject(known.execution.facts) || known.execution.name}`;
  }, [known?.execution.status, arn]);
  if (!known)
    return problem ? (
      <div class="head">
        <nav class="crumbs" aria-label="Where this is">
          <a href="/" onClick={follow}>
            Executions
          </a>
        </nav>
        <Notice kind="bad">{problem}</Notice>
      </div>
    ) : (
      <p class="nothing" role="status">
        Reading the history …
      </p>
    );
  return (
    <Loaded
      {...{ arn, known, machine, machineName, isTold, lost, query, asking, ask, loggedIn }}
      problem={problem}
      setLoggedIn={setLoggedIn}
    />
  );
}

function Loaded(props: {
  arn: string;
  known: Known;
  machine: Machine | null;
  machineName: string;
  isTold: boolean;
  problem: string;
  lost: boolean;
  query: URLSearchParams;
  asking: Asking;
  ask: (asking: Asking) => void;
  loggedIn: boolean;
  setLoggedIn: (yes: boolean) => void;
}) {
  const { arn, known, machine, query, asking, ask } = props;
  const { execution } = known;
  const running = execution.status === "RUNNING";
  const now = useNow(execution.now, running);
  const until = useWaits(arn, known, machine);
  const { parents } = useFamily(arn, execution.redrives);
  const view = (query.get("view") as View | null) ?? "graph";
  const hasTrade = execution.facts.run_key !== "";
  const chosen = known.steps.get(Number(query.get("step")));
  const state = query.get("state") ?? "";
  const side = (query.get("side") as Side | null) ?? (chosen || state ? "step" : hasTrade ? "trade" : "data");
  const { trade, problem: tradeProblem } = useTrade(arn, execution, side === "trade");
  const picks = useMemo<Picks>(() => {
    const text = query.get("pick") ?? "";
    return Object.fromEntries(
      text
        .split(",")
        .filter(Boolean)
        .map((each) => each.split(":"))
        .map(([name, frame]) => [name, Number(frame)]),
    );
  }, [query.get("pick")]);
  const pick = useCallback(
    (map: string, frame: number | undefined) => {
      const next = { ...picks };
      if (frame === undefined) delete next[map];
      else next[map] = frame;
      change({ pick: Object.entries(next).map(([name, each]) => `${name}:${each}`).join(","), step: "", state: "", side: "" });
    },
    [picks],
  );
  const choose = useCallback((step: Step | undefined, name = "") => change({ step: step ? String(step.id) : "", state: step ? "" : name, side: "step" }), []);
  const failedAt = [...known.steps.values()].filter((step) => ["FAILED", "TIMED_OUT", "ABORTED"].includes(step.status)).pop()?.state ?? "";
  const offer = (failure: Failure) => <Offer {...{ execution, failure, ask }} loggedIn={props.loggedIn} />;
  const isEnded = execution.failure && !running && execution.status !== "SUCCEEDED";
  return (
    <div class="execution-view">
      <Announcer known={known} />
      <Head known={known} machineName={props.machineName} parents={parents} now={now} ask={ask} />
      {props.lost && <Notice kind="bad">The connection to the page's server is lost. Trying again …</Notice>}
      {execution.trouble && <Notice kind="bad">The endpoint says: {execution.trouble}</Notice>}
      {isEnded && execution.failure && <FailureBox failure={execution.failure} offer={offer(execution.failure)} />}
      <div class="work">
        <section class="pane" aria-label="Execution">
          <Tabs
            name="View"
            tabs={[
              { id: "graph", label: "Graph" },
              { id: "table", label: "Table" },
              { id: "events", label: "Events" },
            ]}
            chosen={view}
            choose={(id: View) => change({ view: id === "graph" ? "" : id, text: "", type: "", page: "" }, true)}
            panel="view"
          />
          <div role="tabpanel" id="view" aria-labelledby={`view-${view}`} class="view">
            {view === "graph" &&
              (machine ? (
                <GraphView {...{ known, machine, chosen, choose, picks, pick, now, until }} />
              ) : (
                <p class="nothing">
                  {props.problem ? `No graph: ${props.problem}` : props.isTold ? "This endpoint does not give the definition, so there is no graph. The table has every step." : "Reading the definition …"}
                </p>
              ))}
            {view === "table" && <TableView {...{ known, chosen, choose, now }} />}
            {view === "events" && <EventsView {...{ arn, known, chosen, choose }} />}
          </div>
        </section>
        <aside class="pane" aria-label="Details">
          <Tabs
            name="Details"
            tabs={[
              ...(hasTrade ? [{ id: "trade" as const, label: "Trade" }] : []),
              { id: "step" as const, label: "Step" },
              { id: "data" as const, label: "Input and output" },
            ]}
            chosen={side}
            choose={(id: Side) => change({ side: id })}
            panel="side"
          />
          <div role="tabpanel" id="side" aria-labelledby={`side-${side}`} class="side-panel">
            {side === "trade" && <TradePanel execution={execution} trade={trade} problem={tradeProblem} />}
            {side === "step" && <StepPanel {...{ arn, known, machine, state, choose, now, until, offer }} step={chosen} />}
            {side === "data" && (
              <>
                <h2>Input</h2>
                <Data text={execution.input} empty="This engine tells no input." />
                <h2>Output</h2>
                <Data text={execution.output} empty={running ? "It has not ended yet." : "It left no output."} />
              </>
            )}
          </div>
        </aside>
      </div>
      {asking === "redrive" && <RedriveDialog execution={execution} failedAt={failedAt} close={() => ask("")} />}
      {asking === "stop" && <StopDialog execution={execution} close={() => ask("")} />}
      {asking === "login" && (
        <LoginDialog account={execution.failure?.account ?? ""} close={() => ask("")} done={() => props.setLoggedIn(true)} />
      )}
      {asking === "start" && (
        <StartDialog
          machines={{ [execution.machine]: props.machineName || execution.machine }}
          machine={execution.machine}
          input={execution.input ?? "{}"}
          close={() => ask("")}
        />
      )}
    </div>
  );
}
