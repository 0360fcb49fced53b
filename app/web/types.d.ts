/** What the server sends and what several rooms speak of, once; for the type checker alone, never served. */

/** One value per token: structure (row, start, end, word, flags, gold, random_key) and a column a signal. */
type Columns = Record<string, any>;

/** A row as the payload has it; its tokens are `first` to `first + count − 1` of the columns. */
interface PayloadRow {
  id: string;
  question: string;
  answer: string;
  subject: string;
  given_subject?: string;
  subject_source?: "row" | "edited" | "proposed" | "none";
  subject_spans: [number, number][];
  masking?: "swap" | "prompt";
  names?: string[];
  first: number;
  count: number;
  set?: string;
  unique_question?: boolean;
  scored?: boolean;
  failure?: string;
  known?: { word: "yes" | "partly" | "no"; probability: number; of: string } | null;
}

/** What the registry of signals says of one (`tokenunlearn/signals/entry.py`). */
interface SignalEntry {
  label?: string;
  unit?: string;
  family?: string;
  short?: string;
  help?: string;
  over_word?: "sum" | "mean" | "max";
  passes?: string[];
  nameless?: string;
  spread?: boolean;
  masked?: string;
  says?: Record<string, string>;
  without?: Record<string, string>;
}

/** The rule, twin of the Python `Rule`. */
interface Rule {
  alpha: number;
  normaliser: string;
  normalise_over: string;
  mode: string;
  scope: string;
  fraction: number;
  k: number;
  threshold: number;
  gamma: number;
  whole_words: boolean;
  exclude_subjects: boolean;
  exclude_stop_words: boolean;
  exclude_punctuation: boolean;
  knowledge?: string;
  entropy?: string;
}

/** A setting of the rule as `Rule` declares it (`app/views/tokens.py`). */
interface RuleSetting {
  type: string;
  label: string;
  help: string;
  unit: string;
  low: number;
  high: number;
  step: number;
  choices: RuleChoice[];
}

/** One choice of a setting; a mode has an amount and may be scoped, a normaliser says what was done. */
interface RuleChoice {
  value: string;
  label: string;
  help: string;
  source?: string;
  amount?: string;
  scoped?: boolean;
  done?: string;
}

/** The value of the Tokens view (`app/views/tokens.py`, docs/ARCHITECTURE.md). */
interface Payload {
  scores_id: string;
  text_id: string;
  state: "recorded" | "live";
  rows: PayloadRow[];
  columns: Columns;
  signals: Record<string, SignalEntry>;
  offered?: Record<string, SignalEntry>;
  families?: Record<string, { label: string; roles: string[]; signals: string[] }>;
  leaderboard?: Evidence[];
  masks?: Record<string, string>;
  defaults?: Rule;
  own_defaults?: boolean;
  marked_here?: boolean;
  rule?: Partial<Rule>;
  rule_settings?: Record<string, RuleSetting>;
  left_out?: { id: string; reason: string }[];
  opens?: number;
  message?: string;
  draft?: Draft;
  model?: { model: string; adapter: string; precision: string };
}

/** How well a signal finds the fact, in words of one set. */
interface Evidence {
  set?: string;
  signal: string;
  label: string;
  auroc: number | null;
  low: number | null;
  high: number | null;
  precision?: number | null;
  auroc_word?: number;
  precision_word?: number;
}

/** How far the learned signal can be trusted on the marked rows of a set. */
interface Trust {
  set: string;
  rows: number;
  verdict: string;
  better: boolean;
  table: Evidence[];
  curve: any[];
}

interface Note {
  note: string;
  time: number;
}

/** What a person decided, as it is kept and sent; by token index. */
interface Draft {
  set: string;
  rule: Rule;
  overrides: Record<number, "in" | "out">;
  notes: Record<number, Note>;
  masks?: string[];
}

/** What a module that mounts into the page is given (`app/components.py`). */
interface MountHost {
  element: HTMLElement;
  props: { value: any };
  trigger: (name: string, data: object) => void;
  watch: (name: string, act: () => void) => void;
  server?: ServerFunctions;
}

type ServerFunctions = Record<string, (data: object) => Promise<any>>;

/** Options of `node` and `drawing`. */
interface NodeOptions {
  class?: string;
  text?: string | number;
  attributes?: Record<string, string | number | boolean | null | undefined>;
  style?: Record<string, string>;
  on?: Record<string, (event: any) => void>;
}

type NodeChild = Node | string | null | undefined | false;

/** A timer as the tests wind it by hand. */
type Wait = (act: () => void, milliseconds: number) => any;
type Cancel = (timer: any) => void;
