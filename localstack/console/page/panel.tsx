/** Everything about the chosen step: what went in, what came out, how it is defined, what went wrong. */
import { useEffect, useState } from "preact/hooks";
import { clock, duration, machineWord, millis, plural } from "./format";
import { Icon } from "./icons";
import { isOver, type Known, whereabouts } from "./model";
import { Data, Notice, StatusPill, Tabs } from "./parts";
import { change, executionPath, follow, useRoute } from "./route";
import { Problem, read } from "./server";
import type { Detail, Failure, Machine, State, Step } from "./types";
import { allStates } from "./graph/layout";

type Part = "about" | "input" | "output" | "definition" | "calls";
const PARTS: { id: Part; label: string }[] = [
  { id: "about", label: "About" },
  { id: "input", label: "Input" },
  { id: "output", label: "Output" },
  { id: "calls", label: "Calls" },
  { id: "definition", label: "Definition" },
];

/** An error in plain words, and what to do; `offer` gives the buttons for it. */
export function FailureBox({ failure, offer }: { failure: Failure; offer?: preact.ComponentChildren }) {
  return (
    <div class="failure">
      <h3>
        {failure.title} {failure.error && <code>{failure.error}</code>}
      </h3>
      <p>{failure.meaning}</p>
      {failure.cause && <p class="cause">{failure.cause}</p>}
      <p class="remedy">
        <strong>What to do:</strong> {failure.remedy_text}
      </p>
      {offer}
      {failure.detail && (
        <details>
          <summary>Everything the error said</summary>
          <Data text={failure.detail} />
        </details>
      )}
    </div>
  );
}

function useDetail(arn: string, step: Step | undefined) {
  const [detail, setDetail] = useState<Detail | null>(null);
  const [problem, setProblem] = useState("");
  const version = step ? `${step.id} ${step.status} ${step.attempts} ${step.left}` : "";
  useEffect(() => {
    if (!step) return setDetail(null);
    const asking = new AbortController();
    read<Detail>("/api/execution/step", { arn, step: step.id }, asking.signal)
      .then((answer) => {
        setDetail(answer);
        setProblem("");
      })
      .catch((wrong: unknown) => wrong instanceof Problem && wrong.status !== 0 && setProblem(wrong.message));
    return () => asking.abort();
  }, [arn, version]);
  return { detail: detail && step && detail.id === step.id ? detail : null, problem };
}

/** Other visits of the same state in the same iteration: loops and retried waves. */
function Visits({ known, step, choose }: { known: Known; step: Step; choose: (step: Step) => void }) {
  const visits = [...known.steps.values()].filter((each) => each.state === step.state && each.frame === step.frame).sort((a, b) => a.id - b.id);
  if (visits.length < 2) return null;
  const at = visits.findIndex((each) => each.id === step.id);
  const to = (index: number) => visits[index] && choose(visits[index]);
  return (
    <div class="visits">
      <button type="button" class="icon-button small" aria-label="Earlier visit" disabled={at === 0} onClick={() => to(at - 1)}>
        <Icon name="left" size={14} />
      </button>
      <span>
        Visit {at + 1} of {visits.length}
      </span>
      <button type="button" class="icon-button small" aria-label="Later visit" disabled={at === visits.length - 1} onClick={() => to(at + 1)}>
        <Icon name="right" size={14} />
      </button>
    </div>
  );
}

function Facts({ step, state, now, until }: { step: Step; state: State | undefined; now: number; until: number | undefined }) {
  const end = step.left ?? (isOver(step.status) ? null : now);
  return (
    <dl class="facts">
      <dt>Kind</dt>
      <dd>{step.kind}</dd>
      <dt>Entered</dt>
      <dd>{millis(step.entered)} IST</dd>
      <dt>{step.left ? "Left" : "Since"}</dt>
      <dd>
        {step.left ? `${millis(step.left)} IST, after ` : ""}
        {end ? duration(end - step.entered) : "never left"}
      </dd>
      {until && !step.left && (
        <>
          <dt>Waits until</dt>
          <dd>{clock(until)} IST</dd>
        </>
      )}
      {step.length !== null && (
        <>
          <dt>Items</dt>
          <dd>{step.length}</dd>
        </>
      )}
      {state?.Comment && (
        <>
          <dt>For</dt>
          <dd>{state.Comment}</dd>
        </>
      )}
    </dl>
  );
}

function Tries({ detail }: { detail: Detail }) {
  if (detail.tries.length < 2 && !detail.tries.some((each) => each.failed)) return null;
  return (
    <>
      <h4>Attempts</h4>
      <ol class="tries">
        {detail.tries.map((each, index) => (
          <li key={index} class={each.failed ? "bad" : ""}>
            <span>
              {clock(each.scheduled)} {each.redrive > 0 && <span class="badge redriven">redrive {each.redrive}</span>}{" "}
              {each.failed ? <code>{each.error || "failed"}</code> : each.ended ? "worked" : "under way"}
              {each.ended && <span class="muted"> after {duration(each.ended - each.scheduled)}</span>}
            </span>
            {each.cause && <span class="under">{each.cause}</span>}
          </li>
        ))}
      </ol>
    </>
  );
}

export function StepPanel(props: {
  arn: string;
  known: Known;
  machine: Machine | null;
  step: Step | undefined;
  /** A state that was chosen and never entered. */
  state: string;
  choose: (step: Step) => void;
  now: number;
  until: Map<number, number>;
  offer: (failure: Failure) => preact.ComponentChildren;
}) {
  const { arn, known, step } = props;
  const { query } = useRoute();
  const { detail, problem } = useDetail(arn, step);
  const name = step?.state ?? props.state;
  const state = props.machine ? allStates(props.machine).get(name) : undefined;
  const part = (query.get("part") as Part | null) ?? "about";
  if (!name)
    return (
      <div class="empty">
        <Icon name="task" size={28} />
        <p>Choose a state in the graph, a row of the table or an event.</p>
      </div>
    );
  return (
    <div class="step-panel">
      <div class="step-head">
        <h2>{name}</h2>
        {step ? <StatusPill status={step.status} /> : <span class="pill st-none">Not reached</span>}
      </div>
      {step && whereabouts(known, step) && <p class="whereabouts">{whereabouts(known, step)}</p>}
      {step && <Visits known={known} step={step} choose={props.choose} />}
      {step?.children.map((child) => (
        <p key={child}>
          <a class="child" href={executionPath(child, { from: arn })} onClick={follow}>
            <Icon name="out" /> {machineWord(child.split(":")[6] ?? "")} <strong>{child.split(":").pop()}</strong>
          </a>
        </p>
      ))}
      {problem && <Notice kind="bad">{problem}</Notice>}
      <Tabs name={`About ${name}`} tabs={step ? PARTS : PARTS.filter(({ id }) => id === "definition")} chosen={step ? part : "definition"} choose={(id) => change({ part: id === "about" ? "" : id })} panel="part" />
      <div role="tabpanel" id="part" aria-labelledby={`part-${step ? part : "definition"}`} class="part">
        {step && part === "about" && (
          <>
            {detail?.failure && <FailureBox failure={detail.failure} offer={step.status === "CAUGHT" ? <p class="muted">A Catch led on from here.</p> : props.offer(detail.failure)} />}
            <Facts step={step} state={state} now={props.now} until={props.until.get(step.id)} />
            {detail && <Tries detail={detail} />}
          </>
        )}
        {step && part === "input" && <Data text={detail?.input ?? null} empty="This engine tells no input." />}
        {step && part === "output" && <Data text={detail?.output ?? null} empty={isOver(step.status) ? "It left no output." : "It has not ended yet."} />}
        {step && part === "calls" && (
          <>
            {detail?.calls.length === 0 && <p class="muted">This state called nobody.</p>}
            {detail?.calls.map((call) => (
              <details key={call.event} open={detail.calls.length <= 2}>
                <summary>
                  {call.type} <span class="muted">{call.resource}</span>
                </summary>
                <Data text={call.data} />
              </details>
            ))}
          </>
        )}
        {(part === "definition" || !step) && (
          <>
            {state?.Retry && <p class="muted">{plural(state.Retry.length, "rule")} for retries</p>}
            <Data text={state ? JSON.stringify(state, null, 2) : null} empty="The definition is not known." />
          </>
        )}
      </div>
    </div>
  );
}
