/** Where everything goes: each scope of a machine is laid out by itself, and a Map is as big as what is in it. */
import { type Edge, Graph, layout } from "@dagrejs/dagre";
import type { Condition, Machine, State } from "../types";

export interface Placed {
  name: string;
  state: State;
  x: number;
  y: number;
  w: number;
  h: number;
  /** How many scopes it is inside of. */
  depth: number;
  /** True for a Map or Parallel that is drawn with what is in it. */
  open: boolean;
}

export interface Line {
  from: string;
  to: string;
  kind: "next" | "choice" | "catch";
  label: string;
  /** The whole condition or all error names. */
  title: string;
  path: string;
  at: Point;
}

export interface Picture {
  nodes: Placed[];
  lines: Line[];
  w: number;
  h: number;
}

const NODE_HEIGHT = 48;
const HEADER = 46;
const PADDING = 18;
const LABEL_AT = 18;
const START = "\u0000start";

export const isFan = (state: State) => state.Type === "Map" || state.Type === "Parallel";

/** The machines inside of a Map or Parallel. */
export function inner(state: State): Machine[] {
  if (state.Type === "Parallel") return state.Branches ?? [];
  const machine = state.ItemProcessor ?? state.Iterator;
  return machine ? [machine] : [];
}

/** Every state of a machine by name, those inside of Maps and Parallels too. */
export function allStates(machine: Machine): Map<string, State> {
  const found = new Map<string, State>();
  const walk = (scope: Machine) => {
    for (const [name, state] of Object.entries(scope.States)) {
      found.set(name, state);
      for (const each of inner(state)) walk(each);
    }
  };
  walk(machine);
  return found;
}

interface Point {
  x: number;
  y: number;
}

interface Way {
  to: string;
  kind: Line["kind"];
  label: string;
  title: string;
}

function ways(state: State): Way[] {
  const found: Way[] = [];
  const add = (to: string | undefined, kind: Way["kind"], label: string, title: string) => {
    if (to === undefined) return;
    const same = found.find((way) => way.to === to && way.kind === kind);
    if (!same) found.push({ to, kind, label, title });
    else if (label && !same.label.endsWith("…")) {
      same.title += ` or ${title}`;
      same.label = `${same.label.slice(0, 14)}, …`;
    }
  };
  add(state.Next, "next", "", "");
  for (const choice of state.Choices ?? []) add(choice.Next, "choice", shortly(choice), condition(choice));
  add(state.Default, "choice", "else", "otherwise");
  for (const caught of state.Catch ?? []) {
    const names = caught.ErrorEquals.map((error) => error.replace(/^.*\./, ""));
    add(caught.Next, "catch", names[0] === "ALL" ? "any error" : "", `catches ${caught.ErrorEquals.join(", ")}`);
  }
  return found;
}

const OPERATORS: [RegExp, string][] = [
  [/LessThanEquals(Path)?$/, "≤"],
  [/GreaterThanEquals(Path)?$/, "≥"],
  [/LessThan(Path)?$/, "<"],
  [/GreaterThan(Path)?$/, ">"],
  [/Equals(Path)?$/, "="],
];

function test(rule: Condition): { subject: string; operator: string; value: string } {
  const key = Object.keys(rule).find((name) => !["Variable", "Next", "Comment"].includes(name)) ?? "";
  const operator = OPERATORS.find(([form]) => form.test(key))?.[1] ?? key;
  return { subject: (rule.Variable ?? "").replace(/^\$\$?\./, ""), operator, value: String(rule[key]).replace(/^\$\$?\./, "") };
}

function condition(rule: Condition): string {
  if (rule.And) return rule.And.map(condition).join(" and ");
  if (rule.Or) return rule.Or.map(condition).join(" or ");
  if (rule.Not) return `not ${condition(rule.Not)}`;
  if (rule.Condition) return rule.Condition;
  const { subject, operator, value } = test(rule);
  return `${subject} ${operator} ${value}`;
}

/** A condition in a word or two: `READY`, `quantity > 0`. */
function shortly(rule: Condition): string {
  if (rule.And || rule.Or || rule.Not || rule.Condition) return cut(condition(rule));
  const { subject, operator, value } = test(rule);
  const name = subject.split(".").pop() ?? "";
  if (operator === "=" && value === "true") return cut(name);
  if (operator === "=" && value === "false") return cut(`not ${name}`);
  return cut(operator === "=" ? value : `${name} ${operator} ${value.split(".").pop()}`);
}

const cut = (text: string) => (text.length > 18 ? `${text.slice(0, 17)}…` : text);

const widthOf = (name: string) => Math.min(300, Math.max(148, 7.6 * name.length + 58));

/** The picture of a machine, with the Maps and Parallels drawn open for which `open` says so. */
export function picture(machine: Machine, open: (name: string) => boolean): Picture {
  return scopePicture(machine, open, 0);
}

function scopePicture(machine: Machine, open: (name: string) => boolean, depth: number): Picture {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 44, edgesep: 14, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const insides = new Map<string, Picture[]>();
  graph.setNode(START, { width: 12, height: 12 });
  for (const [name, state] of Object.entries(machine.States)) {
    const isOpen = isFan(state) && open(name);
    const inside = isOpen ? inner(state).map((each) => scopePicture(each, open, depth + 1)) : [];
    if (isOpen) insides.set(name, inside);
    graph.setNode(name, isOpen ? roomFor(name, inside) : { width: widthOf(name), height: NODE_HEIGHT });
  }
  graph.setEdge(START, machine.StartAt, { weight: 20 }, "start");
  const depths = depthOf(machine);
  for (const [name, state] of Object.entries(machine.States))
    ways(state).forEach((way, index) => {
      if (!machine.States[way.to]) return;
      const weight = way.kind === "catch" ? 1 : 2 + Math.max(0, 12 - (depths.get(name) ?? 12)); // states float towards the start
      graph.setEdge(name, way.to, { way, weight }, String(index));
    });
  layout(graph);
  return collect(machine, graph, insides, depth);
}

/** How many steps each state is away from the start, at least. */
function depthOf(machine: Machine): Map<string, number> {
  const depths = new Map([[machine.StartAt, 0]]);
  for (const [name, depth] of depths)
    for (const way of ways(machine.States[name] ?? { Type: "" })) if (!depths.has(way.to)) depths.set(way.to, depth + 1);
  return depths;
}

function roomFor(name: string, inside: Picture[]) {
  const w = inside.reduce((sum, each) => sum + each.w, 0) + 2 * PADDING;
  const h = Math.max(0, ...inside.map((each) => each.h));
  return { width: Math.max(w, widthOf(name) + 190), height: h + HEADER + PADDING };
}

function collect(machine: Machine, graph: Graph, insides: Map<string, Picture[]>, depth: number): Picture {
  const nodes: Placed[] = [];
  const lines: Line[] = [];
  for (const [name, state] of Object.entries(machine.States)) {
    const { x, y, width: w, height: h } = graph.node(name) as { x: number; y: number; width: number; height: number };
    const left = x - w / 2;
    const top = y - h / 2;
    const inside = insides.get(name);
    nodes.push({ name, state, x: left, y: top, w, h, depth, open: inside !== undefined });
    let at = left + (w - (inside ?? []).reduce((sum, each) => sum + each.w, 0)) / 2;
    for (const each of inside ?? []) {
      for (const node of each.nodes) nodes.push({ ...node, x: node.x + at, y: node.y + top + HEADER });
      for (const line of each.lines) lines.push(moved(line, at, top + HEADER));
      at += each.w;
    }
  }
  lines.push(...linesOf(graph));
  const size = graph.graph() as { width: number; height: number };
  return { nodes, lines, w: size.width, h: size.height };
}

/** Lines leave a box at its bottom and reach the next one at its top, each at a place of its own. */
function linesOf(graph: Graph): Line[] {
  const box = (name: string) => graph.node(name) as { x: number; y: number; width: number; height: number };
  const edges = graph.edges();
  const isUp = (edge: Edge) => box(edge.w).y <= box(edge.v).y;
  const bends = (edge: Edge) => {
    const points = (graph.edge(edge) as { points: Point[] }).points.slice(1, -1);
    return points.length > 1 ? points : [];
  };
  const port = (edge: Edge, end: "v" | "w"): Point => {
    const here = box(edge[end]);
    const isBottom = (end === "v") !== isUp(edge);
    const toward = (each: Edge) => (end === "v" ? (bends(each)[0] ?? box(each.w)) : (bends(each).at(-1) ?? box(each.v))).x;
    const alike = edges.filter((each) => each[end] === edge[end] && isUp(each) === isUp(edge)).sort((a, b) => toward(a) - toward(b));
    const step = Math.min(44, (here.width - 24) / Math.max(1, alike.length));
    const x = here.x + (alike.indexOf(edge) - (alike.length - 1) / 2) * step;
    return { x, y: here.y + (isBottom ? 1 : -1) * (here.height / 2) };
  };
  return edges.map((edge) => {
    const way: Way = (graph.edge(edge) as { way?: Way }).way ?? { to: edge.w, kind: "next", label: "", title: "" };
    const points = [port(edge, "v"), ...bends(edge), port(edge, "w")];
    const order = edges.filter((each) => each.v === edge.v).indexOf(edge);
    const near = along(points, LABEL_AT + (order % 2) * 12); // neighbours stand at different heights
    return {
      from: edge.v === START ? "" : edge.v,
      to: edge.w,
      kind: way.kind,
      label: way.label,
      title: way.title,
      path: curve(points),
      at: isUp(edge) ? near : { x: near.x, y: Math.max(near.y, box(edge.v).y + box(edge.v).height / 2 + 10) },
    };
  });
}

/** The point so far along a line: labels stand near the state that decides, where its ways part. */
function along(points: Point[], far: number): Point {
  let left = far;
  for (let i = 1; i < points.length; i++) {
    const from = points[i - 1] as Point;
    const to = points[i] as Point;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    if (length >= left) return { x: from.x + ((to.x - from.x) * left) / length, y: from.y + ((to.y - from.y) * left) / length };
    left -= length;
  }
  return points[points.length - 1] ?? { x: 0, y: 0 };
}

const round = (value: number) => Math.round(value * 10) / 10;

/** A smooth line through the points, upright at each of them. */
function curve(points: Point[]): string {
  const at = (x: number, y: number) => `${round(x)},${round(y)}`;
  let path = "";
  points.forEach((to, index) => {
    const from = points[index - 1];
    if (!from) path = `M${at(to.x, to.y)}`;
    else if (Math.abs(from.x - to.x) < 1) path += `L${at(to.x, to.y)}`;
    else {
      const bend = (to.y - from.y) * 0.5;
      path += `C${at(from.x, from.y + bend)} ${at(to.x, to.y - bend)} ${at(to.x, to.y)}`;
    }
  });
  return path;
}

function moved(line: Line, dx: number, dy: number): Line {
  let isX = true;
  const path = line.path.replace(/-?\d+(\.\d+)?/g, (text) => {
    const value = round(Number(text) + (isX ? dx : dy));
    isX = !isX;
    return String(value);
  });
  return { ...line, path, at: { x: line.at.x + dx, y: line.at.y + dy } };
}
