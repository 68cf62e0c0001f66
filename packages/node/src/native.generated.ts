// Generated from crates/adyton-node by scripts/build.mjs.

/** An answer. Refusals are answers too, so that their status and words are written once. */
export interface Answer {
  /** The status. */
  status: number
  /** Names and values by turns, each followed by a line feed. */
  headers: string
  /** The body; empty for none. */
  body: Buffer
}

/** What only whoever runs the app can mend. */
export interface Failure {
  /** In words. */
  message: string
}

/** An engine over a database. It lives until it is closed, or until its thread of JavaScript ends. */
export declare class Engine {
  /**
   * Opens and migrates the database, on the thread that asks. The log goes to standard error,
   * nowhere, or to a function.
   */
  constructor(options: string, log: boolean | ((record: string) => void))
  /** Where the endpoints live. */
  get basePath(): string
  /** The SQLite file, or the URL of a server's database without its password. */
  get databasePath(): string | null
  /** Longest wait for a body, in milliseconds; no more than a timer of Node can wait. */
  get bodyTimeout(): number
  /** The headers that tell who sends a request, in lower case. */
  get tellingHeaders(): Array<string>
  /** What the router answers to a request: its head joined of so many texts, and its body. */
  handle(head: string, texts: number, body?: Uint8Array | undefined | null): Answer | Promise<Answer>
  /** What is answered to a request whose body does not arrive in time. */
  tooSlow(): Answer
  /**
   * Who sends a request. At once: the number of the caller's edition, 0 for a guest; what it
   * stands for says [`describe`](Self::describe). By a promise: the description, empty for a
   * guest. An answer for a refusal.
   */
  authenticate(head: string, texts: number): number | Answer | Promise<string | Answer>
  /**
   * The caller whom [`authenticate`](Self::authenticate) answered last, at once, as two lines of
   * JSON: the caller and their session.
   */
  describe(): string
  /** Does a use case that comes as JSON, for the host app itself; its result as JSON. */
  call(call: string): string | Answer | Failure | Promise<string | Answer | Failure>
  /** Writes down what is only in memory. */
  flush(): void | Answer | Promise<void | Answer>
  /** The same without giving way to anything else, for the end of the process. */
  flushNow(): void
  /**
   * Waits for what is under way, writes down what is only in memory, and ends the engine's
   * threads. From now on nothing is answered.
   */
  close(): Promise<void | Answer>
}

/** Options that cannot stand. */
export interface OptionProblem {
  /** The key with dots, as it was written. */
  key: string
  /** What is wrong and what would be right. */
  message: string
}

/** What is wrong with options, given as JSON; nothing is opened. */
export declare function checkOptions(options: string): OptionProblem | null;
