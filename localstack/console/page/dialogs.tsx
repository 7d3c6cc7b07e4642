/** Actions: each is asked once, done by a POST, and says what happened. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { machineWord, minute } from "./format";
import { Notice } from "./parts";
import { executionPath, go } from "./route";
import { act, type Problem } from "./server";
import type { Execution } from "./types";

interface Done {
  say: string;
  arn?: string;
}

function Dialog(props: {
  title: string;
  confirm: string;
  danger?: boolean;
  ready?: boolean;
  close: () => void;
  run: () => Promise<Done>;
  done?: (done: Done) => void;
  children: ComponentChildren;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const [state, setState] = useState<"asking" | "doing" | "done">("asking");
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState("");
  useEffect(() => box.current?.showModal(), []);
  const run = async () => {
    setState("doing");
    setProblem("");
    try {
      const done = await props.run();
      setSaid(done.say);
      setState("done");
      props.done?.(done);
    } catch (wrong) {
      setProblem((wrong as Problem).message);
      setState("asking");
    }
  };
  return (
    <dialog ref={box} onClose={props.close} aria-labelledby="dialog-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (state === "asking") void run();
        }}
      >
        <h2 id="dialog-title">{props.title}</h2>
        {state === "done" ? <p role="status" class="said">{said}</p> : props.children}
        {problem && <Notice kind="bad">{problem}</Notice>}
        <div class="buttons">
          <button type="button" class="button plain" onClick={() => box.current?.close()}>
            {state === "done" ? "Close" : "Cancel"}
          </button>
          {state !== "done" && (
            <button type="submit" class={`button ${props.danger ? "danger" : "primary"}`} disabled={state === "doing" || props.ready === false}>
              {state === "doing" ? "…" : props.confirm}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

export function RedriveDialog({ execution, failedAt, close }: { execution: Execution; failedAt: string; close: () => void }) {
  return (
    <Dialog
      title="Redrive this execution?"
      confirm="Redrive"
      close={close}
      run={() => act<Done>("/api/actions/redrive", { arn: execution.arn })}
      done={() => window.setTimeout(close, 1200)}
    >
      <p>
        It goes on{failedAt && <> at <strong>{failedAt}</strong></>}, with the same input and the same definition. What has succeeded is not
        done again.
      </p>
      <EntryWindow execution={execution} />
    </Dialog>
  );
}

/** A redriven entry trades inside its window only, so people should know which side of it they are on. */
function EntryWindow({ execution }: { execution: Execution }) {
  let until = Number.NaN;
  try {
    until = Date.parse(JSON.parse(execution.input ?? "{}").entry_until) / 1000;
  } catch {
    return null;
  }
  if (execution.facts.side !== "ENTRY" || Number.isNaN(until)) return null;
  return execution.now <= until ? (
    <p class="notice info">The entry window is open until {minute(until)}: a redrive trades.</p>
  ) : (
    <p class="notice info">The entry window ended at {minute(until)}: a redrive sends nothing and ends as MISSED.</p>
  );
}

export function StopDialog({ execution, close }: { execution: Execution; close: () => void }) {
  return (
    <Dialog
      title="Stop this execution?"
      confirm="Stop it"
      danger
      close={close}
      run={() => act<Done>("/api/actions/stop", { arn: execution.arn })}
      done={() => window.setTimeout(close, 1200)}
    >
      <p>
        Its running states are aborted. Orders that are with the broker stay there: stopping cancels nothing and closes nothing. It can be
        redriven later.
      </p>
    </Dialog>
  );
}

export function StartDialog(props: { machines: Record<string, string>; machine?: string; input?: string; close: () => void }) {
  const first = props.machine ?? Object.keys(props.machines)[0] ?? "";
  const [machine, setMachine] = useState(first);
  const [name, setName] = useState("");
  const [input, setInput] = useState(props.input ?? "{}");
  let valid = true;
  try {
    JSON.parse(input);
  } catch {
    valid = false;
  }
  return (
    <Dialog
      title="New execution"
      confirm="Start it"
      ready={valid && machine !== ""}
      close={props.close}
      run={() => act<Done>("/api/actions/start", { machine, name, input })}
      done={(done) => done.arn && go(executionPath(done.arn))}
    >
      <p class="notice info">This trades, if the input says so: orders of the same run keep their ids, so they are not sent twice.</p>
      <label class="field">
        <span>Machine</span>
        <select value={machine} onChange={(event) => setMachine(event.currentTarget.value)}>
          {Object.entries(props.machines).map(([arn, each]) => (
            <option key={arn} value={arn}>
              {machineWord(each)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Name, if it should have one</span>
        <input value={name} maxLength={80} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>Input</span>
        <textarea
          class="code"
          rows={14}
          spellcheck={false}
          value={input}
          aria-invalid={!valid}
          onInput={(event) => setInput(event.currentTarget.value)}
        />
      </label>
      {!valid && <Notice kind="bad">This is not JSON yet.</Notice>}
    </Dialog>
  );
}

export function LoginDialog({ account, close, done }: { account: string; close: () => void; done: () => void }) {
  return (
    <Dialog
      title={`Log ${account} in?`}
      confirm="Log in"
      close={close}
      run={() => act<Done>("/api/actions/login", { account })}
      done={() => {
        done();
        window.setTimeout(close, 1200);
      }}
    >
      <p>
        The exchange simulator gives a new session for today, and it is stored where the functions look for it. Sessions from before end.
      </p>
    </Dialog>
  );
}
