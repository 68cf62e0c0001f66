// Where an engine's log goes in JavaScript.

/** A line of the engine's log. It has no secret in it. */
export interface LogRecord {
  level: "ERROR" | "WARN" | "INFO";
  timestamp: string;
  target: string;
  message?: string;
  [field: string]: unknown;
}

export interface Surroundings {
  /**
   * Gets what is logged, sign-ins and refusals included; `false` silences it. Without it warnings and
   * errors go to standard error.
   */
  log?: ((record: LogRecord) => void) | false;
}

/** What the engine writes lines to: standard error (`true`), nothing (`false`), or the app's function. */
export function sink(log: Surroundings["log"]): boolean | ((line: string) => void) {
  if (typeof log !== "function") return log !== false;
  // It may be `async` all the same.
  const write: (record: LogRecord) => unknown = log;
  let isTold = false;
  // Nobody up the stack could catch it: the process would end because a log is broken.
  const tell = (error: unknown) => {
    // eslint-disable-next-line no-console -- the log itself is what fails
    if (!isTold) console.error("adyton: the log function fails, which is told this once:", error);
    isTold = true;
  };
  return (line) => {
    try {
      const written = write(JSON.parse(line) as LogRecord);
      if (written instanceof Promise) written.catch(tell);
    } catch (error) {
      tell(error);
    }
  };
}
