/** The history, event by event, filtered and in pages. */
import { useEffect, useState } from "preact/hooks";
import { millis, plural } from "./format";
import { Icon } from "./icons";
import type { Known } from "./model";
import { moveBetweenRows, Notice } from "./parts";
import { change, useRoute } from "./route";
import { Problem, read } from "./server";
import type { EventPage, Step } from "./types";

const KINDS = ["State", "Task", "Lambda", "Map", "Parallel", "Execution", "Failed", "TimedOut", "Aborted"];

export function EventsView(props: { arn: string; known: Known; chosen: Step | undefined; choose: (step: Step) => void }) {
  const { arn, known, chosen } = props;
  const { query } = useRoute();
  const [found, setFound] = useState<EventPage | null>(null);
  const [problem, setProblem] = useState("");
  const [open, setOpen] = useState<Set<number>>(new Set());
  const kind = query.get("type") ?? "";
  const text = query.get("text") ?? "";
  const order = query.get("order") ?? "";
  const page = Number(query.get("page") ?? 1);
  const only = query.get("only") === "step" && chosen ? chosen.id : 0;
  useEffect(() => {
    const asking = new AbortController();
    const wait = window.setTimeout(() => {
      read<EventPage>("/api/execution/events", { arn, type: kind, text, step: only, page, order }, asking.signal)
        .then((answer) => {
          setFound(answer);
          setProblem("");
        })
        .catch((wrong: unknown) => wrong instanceof Problem && wrong.status !== 0 && setProblem(wrong.message));
    }, 120);
    return () => {
      window.clearTimeout(wait);
      asking.abort();
    };
  }, [arn, kind, text, only, page, order, known.execution.events]);
  const toggle = (id: number) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div class="events">
      <form class="filters" role="search" aria-label="Filter events" onSubmit={(event) => event.preventDefault()}>
        <label class="field wide">
          <span>Find</span>
          <input
            type="search"
            value={text}
            placeholder="State, or anything in the details"
            onInput={(event) => change({ text: event.currentTarget.value, page: "" })}
          />
        </label>
        <label class="field">
          <span>Kind</span>
          <select value={kind} onChange={(event) => change({ type: event.currentTarget.value, page: "" })}>
            <option value="">All</option>
            {KINDS.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Order</span>
          <select value={order} onChange={(event) => change({ order: event.currentTarget.value, page: "" })}>
            <option value="">Oldest first</option>
            <option value="newest">Newest first</option>
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            disabled={!chosen}
            checked={only !== 0}
            onChange={(event) => change({ only: event.currentTarget.checked ? "step" : "", page: "" })}
          />
          Only {chosen ? chosen.state : "the chosen step"}
        </label>
      </form>
      {problem && <Notice kind="bad">{problem}</Notice>}
      <div class="table-box">
        <table class="history" aria-label="Events of the history">
          <thead>
            <tr>
              <th scope="col">Nr</th>
              <th scope="col">Event</th>
              <th scope="col">Step</th>
              <th scope="col">Time (IST)</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody onKeyDown={moveBetweenRows}>
            {found?.events.flatMap((event) => {
              const step = event.step === null ? undefined : known.steps.get(event.step);
              const isOpen = open.has(event.id);
              const bad = /Failed|TimedOut|Aborted/.test(event.type);
              const row = (
                <tr key={event.id} class={`${step && chosen?.id === step.id ? "is-chosen" : ""}${bad ? " bad" : ""}`}>
                  <td class="number">{event.id}</td>
                  <th scope="row">
                    <button type="button" class="link" data-row aria-expanded={isOpen} onClick={() => toggle(event.id)}>
                      <Icon name={isOpen ? "down" : "right"} size={13} />
                      {event.type}
                    </button>
                  </th>
                  <td>
                    {step && (
                      <button type="button" class="link" onClick={() => props.choose(step)}>
                        {event.state}
                      </button>
                    )}
                    {event.iteration && <span class="under">{event.iteration}</span>}
                  </td>
                  <td class="number">{millis(event.at)}</td>
                  <td class="number">{event.previous ?? ""}</td>
                </tr>
              );
              if (!isOpen) return [row];
              return [
                row,
                <tr key={`${event.id}-open`} class="opened">
                  <td colSpan={5}>
                    {Object.keys(event.details).length === 0 && <p class="muted">This event has no details.</p>}
                    {Object.entries(event.details).map(([name, value]) => (
                      <div key={name} class="detail">
                        <span class="detail-name">{name}</span>
                        <pre class="data" tabIndex={0}>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
                      </div>
                    ))}
                  </td>
                </tr>,
              ];
            })}
          </tbody>
        </table>
      </div>
      {found && (
        <nav class="pages" aria-label="Pages of events">
          <button type="button" class="button plain" disabled={found.page <= 1} onClick={() => change({ page: String(found.page - 1) })}>
            <Icon name="left" /> Earlier page
          </button>
          <span role="status">
            Page {found.page} of {found.pages}: {found.found === found.total ? "" : `${found.found} of `}
            {plural(found.total, "event")}
          </span>
          <button type="button" class="button plain" disabled={found.page >= found.pages} onClick={() => change({ page: String(found.page + 1) })}>
            Later page <Icon name="right" />
          </button>
        </nav>
      )}
    </div>
  );
}
