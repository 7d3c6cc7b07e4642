/** The machine as a graph: boxes are buttons, lines are SVG, colours say how each state stands. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clock, duration, plural, statusClass, statusWord } from "../format";
import { Icon, kindIcon, statusIcon } from "../icons";
import { frameLabel, isOver, iterations, type Known, type Look, looks, NOTHING, type Picks } from "../model";
import type { Machine, Status, Step } from "../types";
import { isFan, picture, type Picture, type Placed } from "./layout";

interface Props {
  known: Known;
  machine: Machine;
  chosen: Step | undefined;
  choose: (step: Step | undefined, state: string) => void;
  picks: Picks;
  pick: (map: string, frame: number | undefined) => void;
  now: number;
  /** Until when each waiting step waits, by step number. */
  until: Map<number, number>;
}

/** What stands below a state's name. */
function below(look: Look, now: number, until: Map<number, number>): string {
  const step = [...look.steps].reverse().find((each) => each.status === look.status);
  if (!step) return "";
  if (step.status === "RUNNING" && step.kind === "Wait") {
    const at = until.get(step.id);
    return at ? `waits until ${clock(at)}` : "waits";
  }
  if (step.waiting) return "waits for its callback";
  if (step.status === "RETRYING") return `${step.error.replace(/^.*\./, "")}, tries again`;
  if (step.error) return step.error;
  if (step.length !== null) return plural(step.length, "item");
  return duration((step.left ?? (isOver(step.status) ? step.entered : now)) - step.entered);
}

function Badges({ look }: { look: Look }) {
  return (
    <span class="badges">
      {look.redriven && (
        <span class="badge redriven" title="Redriven">
          <Icon name="redrive" size={12} />
          <span class="hidden">redriven</span>
        </span>
      )}
      {look.retries > 0 && (
        <span class="badge retried" title={plural(look.retries, "retry", "retries")}>
          <Icon name="retry" size={12} />
          {look.retries}
          <span class="hidden"> {look.retries === 1 ? "retry" : "retries"}</span>
        </span>
      )}
      {look.steps.length > 1 && (
        <span class="badge" title={`Entered ${look.steps.length} times`}>
          ×{look.steps.length}
        </span>
      )}
    </span>
  );
}

const word = (look: Look) => (look.status === "NONE" ? "not reached" : statusWord(look.status));

function Node(props: { node: Placed; look: Look; isChosen: boolean; isStop: boolean; text: string; choose: () => void }) {
  const { node, look } = props;
  const end = node.state.Type === "Succeed" || node.state.Type === "Fail" || node.state.End ? " end" : "";
  return (
    <button
      type="button"
      class={`node ${statusClass(look.status)} kind-${node.state.Type.toLowerCase()}${end}`}
      style={{ left: `${node.x}px`, top: `${node.y}px`, width: `${node.w}px`, height: `${node.h}px` }}
      data-state={node.name}
      data-status={look.status}
      aria-pressed={props.isChosen}
      tabIndex={props.isStop ? 0 : -1}
      onClick={props.choose}
    >
      <span class="node-icon">
        <Icon name={kindIcon(node.state.Type)} />
      </span>
      <span class="node-words">
        <span class="node-name">
          {node.name}
          <span class="hidden">
            , {node.state.Type}, {word(look)}{" "}
          </span>
        </span>
        {props.text && <span class="node-below">{props.text}</span>}
      </span>
      <Badges look={look} />
      {look.status !== "NONE" && (
        <span class="node-status">
          <Icon name={statusIcon(look.status)} size={12} />
        </span>
      )}
    </button>
  );
}

/** Which iteration: by leg and account, never only by a number. */
function Picker(props: { name: string; known: Known; picks: Picks; pick: Props["pick"] }) {
  const visits = iterations(props.known, props.name);
  const count = visits.reduce((sum, visit) => sum + visit.frames.length, 0);
  if (count === 0) return null;
  const mark: Partial<Record<Status, string>> = { SUCCEEDED: "✓", FAILED: "✗", ABORTED: "■", TIMED_OUT: "✗" };
  const options = (frames: (typeof visits)[number]["frames"]) =>
    frames.map((frame) => (
      <option key={frame.id} value={frame.id}>
        {mark[frame.status] ?? "●"} {frameLabel(frame)}
      </option>
    ));
  return (
    <select
      class="picker"
      aria-label={`Iteration of ${props.name}`}
      value={props.picks[props.name] ?? ""}
      onChange={(event) => props.pick(props.name, event.currentTarget.value ? Number(event.currentTarget.value) : undefined)}
    >
      <option value="">{count === 1 ? "The one iteration" : `All ${count} iterations`}</option>
      {visits.length === 1
        ? options(visits[0]?.frames ?? [])
        : visits.map((visit, index) => (
            <optgroup key={visit.visit.id} label={`Visit ${index + 1}, ${clock(visit.visit.entered)}`}>
              {options(visit.frames)}
            </optgroup>
          ))}
    </select>
  );
}

function Container(props: Props & { node: Placed; look: Look; isStop: boolean; fold: () => void; select: () => void }) {
  const { node, look } = props;
  return (
    <div
      class={`container ${statusClass(look.status)}`}
      style={{ left: `${node.x}px`, top: `${node.y}px`, width: `${node.w}px`, height: `${node.h}px` }}
    >
      <div class="container-head">
        <button
          type="button"
          class="container-name"
          data-state={node.name}
          data-status={look.status}
          aria-pressed={props.chosen?.state === node.name}
          tabIndex={props.isStop ? 0 : -1}
          onClick={props.select}
        >
          <Icon name={kindIcon(node.state.Type)} />
          {node.name}
          <span class="hidden">
            , {node.state.Type}, {word(look)}
          </span>
        </button>
        <Picker name={node.name} known={props.known} picks={props.picks} pick={props.pick} />
        <Badges look={look} />
        <button type="button" class="icon-button small" aria-label={`Fold ${node.name}`} onClick={props.fold}>
          <Icon name="up" size={14} />
        </button>
      </div>
    </div>
  );
}

function Lines({ drawn, taken }: { drawn: Picture; taken: Set<string> }) {
  return (
    <svg class="lines" width={drawn.w} height={drawn.h} aria-hidden="true" focusable="false">
      <defs>
        {["", "-taken"].map((kind) => (
          <marker key={kind} id={`arrow${kind}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0,0.5L7.5,4L0,7.5z" class={`arrow${kind}`} />
          </marker>
        ))}
      </defs>
      {[...drawn.lines]
        .map((line) => ({ line, isTaken: taken.has(`${line.from}${line.kind === "catch" ? "⇢" : "→"}${line.to}`) }))
        .sort((a, b) => Number(a.isTaken) - Number(b.isTaken))
        .map(({ line, isTaken }) => (
          <g key={`${line.from}>${line.to}>${line.kind}`} class={`line ${line.kind}${isTaken ? " taken" : ""}`}>
            <path d={line.path} marker-end={`url(#arrow${isTaken ? "-taken" : ""})`} />
            {line.from === "" && <circle cx={Number(line.path.match(/^M([-\d.]+)/)?.[1])} cy={Number(line.path.match(/,([-\d.]+)/)?.[1]) - 5} r="5" />}
            {line.label && (isTaken || line.kind !== "catch") && (
              <text x={line.at.x} y={line.at.y + 4}>
                <title>{line.title}</title>
                {line.label}
              </text>
            )}
          </g>
        ))}
    </svg>
  );
}

/** The box that lies nearest in the direction of an arrow key. */
function neighbour(nodes: Placed[], from: Placed, key: string): Placed | undefined {
  const middle = (node: Placed) => ({ x: node.x + node.w / 2, y: node.y + (node.open ? 20 : node.h / 2) });
  const here = middle(from);
  let best: { node: Placed; cost: number } | undefined;
  for (const node of nodes) {
    if (node.name === from.name) continue;
    const { x, y } = middle(node);
    const along = { ArrowDown: y - here.y, ArrowUp: here.y - y, ArrowRight: x - here.x, ArrowLeft: here.x - x }[key] ?? 0;
    const across = key === "ArrowDown" || key === "ArrowUp" ? Math.abs(x - here.x) : Math.abs(y - here.y) * 3;
    if (along < 8) continue;
    const cost = along + across;
    if (!best || cost < best.cost) best = { node, cost };
  }
  return best?.node;
}

export function GraphView(props: Props) {
  const { known, machine, chosen } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [folds, setFolds] = useState<Record<string, boolean>>({});
  const [zoom, setZoom] = useState<number | null>(null);
  const [follows, setFollows] = useState(true);
  const { states, taken } = useMemo(() => looks(known, props.picks), [known, props.picks]);
  const openMaps = new Set<string>();
  for (const step of known.steps.values()) if (step.kind === "Parallel" || (step.kind === "Map" && step.length !== 0)) openMaps.add(step.state);
  const openKey = JSON.stringify([[...openMaps].sort(), folds]);
  const drawn = useMemo(() => picture(machine, (name) => folds[name] ?? openMaps.has(name)), [machine, openKey]);
  const nodes = useMemo(() => [...drawn.nodes].sort((a, b) => a.y - b.y || a.x - b.x), [drawn]);

  const [room, setRoom] = useState({ w: 0, h: 0 });
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const measure = () => setRoom({ w: box.clientWidth, h: box.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  const readable = Math.min(1, Math.max(0.8, (room.w - 40) / drawn.w));
  const whole = Math.min(1, Math.max(0.25, Math.min((room.w - 40) / drawn.w, (room.h - 40) / drawn.h)));
  const scale = zoom ?? readable;

  const active = [...known.steps.values()].filter((step) => !isOver(step.status) && step.kind !== "Map" && step.kind !== "Parallel").pop();
  const failed = [...known.steps.values()].filter((step) => step.status === "FAILED" || step.status === "TIMED_OUT").pop();
  const focus = chosen ?? active ?? (isOver(known.execution.status) ? failed : undefined);
  const last = useRef("");
  useEffect(() => {
    const box = scroller.current;
    const node = focus && drawn.nodes.find((each) => each.name === focus.state);
    if (!box || !node || (!follows && !chosen)) return;
    const target = `${node.name} ${node.x} ${node.y} ${scale}`;
    if (target === last.current) return;
    last.current = target;
    const x = node.x * scale;
    const y = node.y * scale;
    const isIn = y > box.scrollTop + 20 && y + node.h * scale < box.scrollTop + box.clientHeight - 20;
    const isAcross = x > box.scrollLeft && x + node.w * scale < box.scrollLeft + box.clientWidth;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isIn || !isAcross)
      box.scrollTo({
        top: isIn ? box.scrollTop : y - box.clientHeight / 3,
        left: isAcross ? box.scrollLeft : x - box.clientWidth / 2 + (node.w * scale) / 2,
        behavior: calm ? "auto" : "smooth",
      });
  }, [focus?.id, drawn, scale, follows]);

  const stop = chosen?.state ?? nodes[0]?.name;
  const onKey = (event: KeyboardEvent) => {
    const name = (event.target as HTMLElement).dataset.state;
    const from = nodes.find((node) => node.name === name);
    if (!from || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = neighbour(nodes, from, event.key);
    if (next) scroller.current?.querySelector<HTMLElement>(`[data-state="${CSS.escape(next.name)}"]`)?.focus();
  };
  const select = (name: string) => {
    const steps = states.get(name)?.steps ?? [];
    props.choose(steps[steps.length - 1], name);
  };

  return (
    <div class="graph">
      <div class="graph-tools">
        <button type="button" class="icon-button" aria-label="Zoom out" onClick={() => setZoom(Math.max(0.25, scale / 1.2))}>
          <Icon name="minus" />
        </button>
        <button type="button" class="icon-button" aria-label="Zoom in" onClick={() => setZoom(Math.min(1.6, scale * 1.2))}>
          <Icon name="plus" />
        </button>
        <button type="button" class="icon-button" aria-label="Show all of it" onClick={() => setZoom(zoom === whole ? null : whole)}>
          <Icon name="fit" />
        </button>
        <label class="check">
          <input type="checkbox" checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} /> Follow
        </label>
      </div>
      <div class="graph-box" ref={scroller} role="group" aria-label="Graph of the machine. Arrow keys move between states." onKeyDown={onKey}>
        <div class="graph-size" style={{ width: `${drawn.w}px`, height: `${drawn.h}px`, zoom: scale }}>
          <div class="graph-scale">
            {nodes
              .filter((node) => node.open)
              .map((node) => (
                <Container
                  {...props}
                  key={node.name}
                  node={node}
                  look={states.get(node.name) ?? NOTHING}
                  isStop={stop === node.name}
                  fold={() => setFolds({ ...folds, [node.name]: false })}
                  select={() => select(node.name)}
                />
              ))}
            <Lines drawn={drawn} taken={taken} />
            {nodes
              .filter((node) => !node.open)
              .map((node) => {
                const look = states.get(node.name) ?? NOTHING;
                return (
                  <Node
                    key={node.name}
                    node={node}
                    look={look}
                    isChosen={chosen?.state === node.name}
                    isStop={stop === node.name}
                    text={isFan(node.state) && look.status === "NONE" ? "folded" : below(look, props.now, props.until)}
                    choose={() => select(node.name)}
                  />
                );
              })}
            {nodes
              .filter((node) => isFan(node.state) && !node.open)
              .map((node) => (
                <button
                  key={node.name}
                  type="button"
                  class="icon-button small unfold"
                  style={{ left: `${node.x + node.w - 30}px`, top: `${node.y + node.h - 12}px` }}
                  aria-label={`Unfold ${node.name}`}
                  onClick={() => setFolds({ ...folds, [node.name]: true })}
                >
                  <Icon name="down" size={14} />
                </button>
              ))}
          </div>
        </div>
      </div>
    </div>
  );
}
