/** What the server tells; see localstack/console/views.py. Times are seconds since the epoch. */

export type Status =
  | "RUNNING"
  | "RETRYING"
  | "SUCCEEDED"
  | "CAUGHT"
  | "FAILED"
  | "TIMED_OUT"
  | "ABORTED"
  | "PENDING_REDRIVE";

export interface Facts {
  strategy: string;
  account: string;
  side: string;
  date: string;
  run_key: string;
  user: string;
}

export interface Row {
  arn: string;
  name: string;
  machine: string;
  status: Status;
  start: number;
  stop: number | null;
  redrives: number;
  facts: Facts;
}

export interface Listing {
  rows: Row[];
  machines: Record<string, string>;
  trouble: string;
  more: boolean;
  now: number;
}

export interface Failure {
  error: string;
  cause: string;
  detail: string;
  account: string;
  title: string;
  meaning: string;
  remedy_text: string;
  remedy: "" | "login" | "redrive" | "new";
}

export interface Execution {
  arn: string;
  name: string;
  machine: string;
  status: Status;
  start: number | null;
  stop: number | null;
  redrives: number;
  redriveStatus: string;
  redriveReason: string;
  input: string | null;
  output: string | null;
  failure: Failure | null;
  facts: Facts;
  events: number;
  trouble: string;
  now: number;
}

export interface Step {
  id: number;
  state: string;
  kind: string;
  frame: number;
  status: Status;
  entered: number;
  left: number | null;
  attempts: number;
  retries: number;
  redriven: number;
  waiting: boolean;
  error: string;
  children: string[];
  length: number | null;
  marks: [number, number | null, boolean][];
}

/** One iteration of a Map or branch of a Parallel; the execution itself is frame 0. */
export interface Frame {
  id: number;
  step: number | null;
  index: number;
  status: Status;
  label: string;
}

export interface Change {
  reset: boolean;
  execution: Execution;
  steps: Step[];
  frames: Frame[];
}

export interface Detail extends Step {
  input: string | null;
  output: string | null;
  failure: Failure | null;
  tries: {
    scheduled: number;
    ended: number | null;
    redrive: number;
    failed: boolean;
    error: string;
    cause: string;
  }[];
  calls: { event: number; type: string; resource: string; data: string | null }[];
}

export interface HistoryEvent {
  id: number;
  previous: number | null;
  type: string;
  at: number;
  step: number | null;
  state: string;
  iteration: string;
  details: Record<string, unknown>;
}

export interface EventPage {
  events: HistoryEvent[];
  page: number;
  pages: number;
  found: number;
  total: number;
}

export interface Order {
  tag: string;
  purpose: "entry" | "exit";
  slice: number;
  attempt: number;
  side: string;
  quantity: number;
  filled: number;
  price: string;
  limit: string;
  status: string;
  broker_order_id: string;
  reason: string;
  modifications: number;
  at: number;
}

export interface Leg {
  leg: number;
  symbol: string;
  side: string;
  quantity: number;
  lots: number | null;
  position_id: string;
  entry_qty: number;
  entry_price: string;
  exit_qty: number;
  exit_price: string;
  realised: string;
  orders: Order[];
}

export interface TradeAccount {
  account: string;
  broker: string;
  underlying: string;
  product: string;
  phase: string;
  entry_until: number;
  exit_at: number;
  on_leg_reject: string;
  legs: Leg[];
  realised: string;
  exit: { say: string; orders: { leg: number; side: string; quantity: number; symbol: string }[] };
}

export interface Trade {
  run_key: string;
  accounts: TradeAccount[];
  trouble: string;
  now?: number;
}

/** The parts of an Amazon States Language definition that are drawn. */
export interface State {
  Type: string;
  Comment?: string;
  Resource?: string;
  Next?: string;
  End?: boolean;
  Default?: string;
  Choices?: (Condition & { Next: string })[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
  Retry?: unknown[];
  ItemProcessor?: Machine;
  Iterator?: Machine;
  Branches?: Machine[];
  Timestamp?: string;
  TimestampPath?: string;
  Seconds?: number;
  [other: string]: unknown;
}

export interface Machine {
  StartAt: string;
  States: Record<string, State>;
}

export interface Condition {
  Variable?: string;
  And?: Condition[];
  Or?: Condition[];
  Not?: Condition;
  Condition?: string;
  [operator: string]: unknown;
}

export interface Setup {
  token: string;
  place: string;
  readOnly: boolean;
  canLogIn: boolean;
  tradePause: number;
}
