// For texts of others: what cannot be read is null.

export function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}

/** The JSON that a text is. */
export function parsed(text: string | null | undefined): unknown {
  return attempt(() => JSON.parse(text ?? "") as unknown);
}
