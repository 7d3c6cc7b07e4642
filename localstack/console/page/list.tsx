/** Executions of all machines, newest first, with filters that live in the address. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { StartDialog } from "./dialogs";
import { clock, day, duration, isoDay, machineWord, plural, statusWord, subject, times } from "./format";
import { Icon } from "./icons";
import { moveBetweenRows, Notice, StatusPill, useNow, useSlice } from "./parts";
import { change, executionPath, follow, useRoute } from "./route";
import { act, follow as followStream, setup } from "./server";
import type { Listing, Row, Status } from "./types";

const ROW_HEIGHT = 52;
const STATUSES: Status[] = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"];
const FILTERS = ["machine", "status", "strategy", "account", "date", "text"] as const;
type Filter = (typeof FILTERS)[number];

/** What the list knows; kept while the page is open, so that coming back shows it at once. */
const known: { rows: Map<string, Row>; listing: Omit<Listing, "rows"> | null } = { rows: new Map(), listing: null };

export const rowDate = (row: Row) => row.facts.date || isoDay(row.start);

function useListing() {
  const [, setRevision] = useState(0);
  const [lost, setLost] = useState(false);
  useEffect(
    () =>
      followStream<Listing>(
        "/api/executions/stream",
        ({ rows, ...listing }) => {
          for (const row of rows) known.rows.set(row.arn, row);
          known.listing = listing;
          setRevision((revision) => revision + 1);
        },
        setLost,
      ),
    [],
  );
  return { ...known, lost };
}

const keep = (row: Row, filter: Partial<Record<Filter, string>>) =>
  (!filter.machine || machineWord(row.machine) === filter.machine) &&
  (!filter.status || row.status === filter.status) &&
  (!filter.strategy || row.facts.strategy === filter.strategy) &&
  (!filter.account || row.facts.account === filter.account) &&
  (!filter.date || rowDate(row) === filter.date) &&
  (!filter.text || `${row.name} ${subject(row.facts)}`.toLowerCase().includes(filter.text.toLowerCase()));

function Choose(props: { label: string; name: Filter; value: string; options: string[]; word?: (value: string) => string }) {
  const options = props.value && !props.options.includes(props.value) ? [props.value, ...props.options] : props.options;
  return (
    <label class="field">
      <span>{props.label}</span>
      <select name={props.name} value={props.value} onChange={(event) => change({ [props.name]: event.currentTarget.value })}>
        <option value="">All</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {props.word ? props.word(option) : option}
          </option>
        ))}
      </select>
    </label>
  );
}

const distinct = (values: string[]) => [...new Set(values.filter(Boolean))].sort();

function Filters({ rows, filter }: { rows: Row[]; filter: Partial<Record<Filter, string>> }) {
  const options = useMemo(
    () => ({
      machines: distinct(rows.map((row) => machineWord(row.machine))),
      strategies: distinct(rows.map((row) => row.facts.strategy)),
      accounts: distinct(rows.map((row) => row.facts.account)),
    }),
    [rows],
  );
  const clear = Object.fromEntries(FILTERS.map((name) => [name, ""]));
  return (
    <form class="filters" role="search" aria-label="Filter executions" onSubmit={(event) => event.preventDefault()}>
      <label class="field wide">
        <span>Find</span>
        <input
          type="search"
          placeholder="Name, strategy or account"
          value={filter.text ?? ""}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
      </label>
      <Choose label="Machine" name="machine" value={filter.machine ?? ""} options={options.machines} />
      <Choose label="Status" name="status" value={filter.status ?? ""} options={STATUSES} word={(s) => statusWord(s as Status)} />
      <Choose label="Strategy" name="strategy" value={filter.strategy ?? ""} options={options.strategies} />
      <Choose label="Account" name="account" value={filter.account ?? ""} options={options.accounts} />
      <label class="field">
        <span>Date</span>
        <input type="date" value={filter.date ?? ""} onInput={(event) => change({ date: event.currentTarget.value })} />
      </label>
      {FILTERS.some((name) => filter[name]) && (
        <button type="button" class="button plain" onClick={() => change(clear)}>
          Clear
        </button>
      )}
    </form>
  );
}

function Line({ row, index, now }: { row: Row; index: number; now: number }) {
  return (
    <tr aria-rowindex={index + 2}>
      <td>
        <a class="name" data-row href={executionPath(row.arn)} onClick={follow}>
          {subject(row.facts) || row.name}
        </a>
        <span class="under">{subject(row.facts) ? row.name : " "}</span>
      </td>
      <td class="machine">{machineWord(row.machine)}</td>
      <td>
        <StatusPill status={row.status} />
        {row.redrives > 0 && (
          <span class="badge redriven" title={`Redriven ${times(row.redrives)}`}>
            <Icon name="redrive" size={12} /> {row.redrives}
            <span class="hidden"> redriven</span>
          </span>
        )}
      </td>
      <td class="number">
        {day(row.start)} <strong>{clock(row.start)}</strong>
      </td>
      <td class="number">{duration((row.stop ?? now) - row.start)}</td>
    </tr>
  );
}

export function ListView() {
  const { rows: byArn, listing, lost } = useListing();
  const { query } = useRoute();
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const [starting, setStarting] = useState(false);
  const [older, setOlder] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const all = useMemo(() => [...byArn.values()].sort((a, b) => b.start - a.start || (a.arn < b.arn ? 1 : -1)), [byArn, listing]);
  const shown = useMemo(() => all.filter((row) => keep(row, filter)), [all, query]);
  const running = all.filter((row) => row.status === "RUNNING").length;
  const now = useNow(listing?.now, running > 0);
  const { scroller, from, to, above, below } = useSlice(shown.length, ROW_HEIGHT);
  useEffect(() => {
    document.title = running ? `${running} running · Executions` : "Executions";
  }, [running]);
  return (
    <div class="list-view">
      <div class="list-head">
        <h1 ref={heading}>Executions</h1>
        <p class="muted" role="status">
          {listing === null ? "Reading …" : `${shown.length === all.length ? "" : `${shown.length} of `}${plural(all.length, "execution")}, ${running} running`}
        </p>
        {!setup.readOnly && (
          <button type="button" class="button" onClick={() => setStarting(true)} disabled={!listing}>
            <Icon name="play" /> New execution
          </button>
        )}
      </div>
      <Filters rows={all} filter={filter} />
      {lost && <Notice kind="bad">The connection to the page's server is lost. Trying again …</Notice>}
      {listing?.trouble && <Notice kind="bad">The endpoint says: {listing.trouble}</Notice>}
      <div class="table-box" ref={scroller} tabIndex={-1}>
        <table class="executions" aria-rowcount={shown.length + 1} aria-label="Executions, newest first">
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">Execution</th>
              <th scope="col">Machine</th>
              <th scope="col">Status</th>
              <th scope="col">Started (IST)</th>
              <th scope="col">Duration</th>
            </tr>
          </thead>
          <tbody onKeyDown={moveBetweenRows}>
            {above > 0 && <tr aria-hidden="true" style={{ height: `${above}px` }} />}
            {shown.slice(from, to).map((row, index) => (
              <Line key={row.arn} row={row} index={from + index} now={now} />
            ))}
            {below > 0 && <tr aria-hidden="true" style={{ height: `${below}px` }} />}
          </tbody>
        </table>
        {listing !== null && shown.length === 0 && (
          <p class="nothing">
            {all.length === 0 ? "Nothing has run yet. `make strategy` schedules the example strategy." : "No execution fits these filters."}
          </p>
        )}
      </div>
      {listing?.more && (
        <button
          type="button"
          class="button plain"
          disabled={older}
          onClick={() => {
            setOlder(true);
            act("/api/executions/older", {}).finally(() => setOlder(false));
          }}
        >
          {older ? "Reading …" : "Read older executions"}
        </button>
      )}
      {starting && listing && <StartDialog machines={listing.machines} close={() => setStarting(false)} />}
    </div>
  );
}
