/** A row for every step and iteration, with a timeline. */
import { useMemo, useState } from "preact/hooks";
import { duration, millis, plural, statusClass, statusWord } from "./format";
import { Icon, kindIcon } from "./icons";
import { frameLabel, isOver, type Known, tableRows, timeAxis } from "./model";
import { moveBetweenRows, StatusPill, useSlice } from "./parts";
import { executionPath, follow } from "./route";
import type { Step } from "./types";

const ROW_HEIGHT = 36;

function Bars({ step, place, now }: { step: Step; place: (at: number) => number; now: number }) {
  const end = (to: number | null) => to ?? step.left ?? (isOver(step.status) ? step.entered : now);
  const bar = (from: number, to: number | null, kind: string, key: string) => {
    const left = place(from) * 100;
    return <span key={key} class={`bar ${kind}`} style={{ left: `${left}%`, width: `max(3px, ${place(end(to)) * 100 - left}%)` }} />;
  };
  return (
    <>
      {bar(step.entered, step.left, `whole ${statusClass(step.status)}`, "whole")}
      {step.marks.length > 1 &&
        step.marks.map(([from, to, failed], index) =>
          bar(from, to, failed ? "st-failed" : statusClass(isOver(step.status) ? "SUCCEEDED" : step.status), String(index)),
        )}
    </>
  );
}

export function TableView(props: { known: Known; chosen: Step | undefined; choose: (step: Step) => void; now: number }) {
  const { known, chosen, choose, now } = props;
  const [closed, setClosed] = useState<Set<number>>(new Set());
  const rows = useMemo(() => tableRows(known, closed), [known, closed]);
  const { place, gaps } = useMemo(() => timeAxis(known, now), [known, now]);
  const { scroller, from, to, above, below } = useSlice(rows.length, ROW_HEIGHT);
  const toggle = (frame: number) => {
    const next = new Set(closed);
    if (!next.delete(frame)) next.add(frame);
    setClosed(next);
  };
  return (
    <div class="table-box" ref={scroller}>
      <table class="steps" aria-rowcount={rows.length + 1} aria-label="Steps, with a timeline">
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">State</th>
            <th scope="col">Status</th>
            <th scope="col">Retries</th>
            <th scope="col">Started (IST)</th>
            <th scope="col">Duration</th>
            <th scope="col" class="timeline">
              <span title="Time in which everything only waits is drawn short">Timeline</span>
            </th>
          </tr>
        </thead>
        <tbody onKeyDown={moveBetweenRows}>
          {above > 0 && <tr aria-hidden="true" style={{ height: `${above}px` }} />}
          {rows.slice(from, to).map((row, index) =>
            row.kind === "frame" ? (
              <tr key={row.key} class="frame-row" aria-rowindex={from + index + 2}>
                <th scope="row" style={{ paddingLeft: `${12 + row.depth * 16}px` }}>
                  <button type="button" class="link" data-row aria-expanded={!closed.has(row.frame.id)} onClick={() => toggle(row.frame.id)}>
                    <Icon name={closed.has(row.frame.id) ? "right" : "down"} size={13} />
                    {frameLabel(row.frame)}
                  </button>
                </th>
                <td>
                  <StatusPill status={row.frame.status} />
                </td>
                <td colSpan={3} class="muted">
                  {plural(row.steps, "step")}
                </td>
                <td class="timeline">
                  <div class="lane">{gapMarks(gaps)}</div>
                </td>
              </tr>
            ) : (
              <tr key={row.key} class={chosen?.id === row.step.id ? "is-chosen" : ""} aria-rowindex={from + index + 2}>
                <th scope="row" style={{ paddingLeft: `${12 + row.depth * 16}px` }}>
                  <button
                    type="button"
                    class="link"
                    data-row
                    data-step={row.step.id}
                    aria-pressed={chosen?.id === row.step.id}
                    onClick={() => choose(row.step)}
                  >
                    <Icon name={kindIcon(row.step.kind)} size={14} />
                    {row.step.state}
                  </button>
                  {row.step.children.map((arn) => (
                    <a key={arn} class="child" href={executionPath(arn, { from: known.execution.arn })} onClick={follow}>
                      <Icon name="out" size={12} /> {arn.split(":").pop()}
                    </a>
                  ))}
                </th>
                <td>
                  <StatusPill status={row.step.status} />
                  {row.step.redriven > 0 && (
                    <span class="badge redriven" title="Redriven">
                      <Icon name="redrive" size={12} />
                      <span class="hidden">redriven</span>
                    </span>
                  )}
                </td>
                <td class="number">{row.step.retries || ""}</td>
                <td class="number">{millis(row.step.entered)}</td>
                <td class="number">
                  {duration((row.step.left ?? (isOver(row.step.status) ? row.step.entered : now)) - row.step.entered)}
                </td>
                <td class="timeline" title={`${statusWord(row.step.status)}, ${millis(row.step.entered)}`}>
                  <div class="lane">
                    {gapMarks(gaps)}
                    <Bars step={row.step} place={place} now={now} />
                  </div>
                </td>
              </tr>
            ),
          )}
          {below > 0 && <tr aria-hidden="true" style={{ height: `${below}px` }} />}
        </tbody>
      </table>
    </div>
  );
}

const gapMarks = (gaps: [number, number][]) =>
  gaps.map(([from, to]) => <span key={from} class="gap" style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />);
