// How the pages put things into words.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function inWords(iso: string): string {
  const at = new Date(iso);
  const clock = at.toISOString().slice(11, 16);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${clock} UTC`;
}

export function lasting(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

// The engine words its problems so that they can follow a name: "is required".
export function sentence(text: string, subject = ""): string {
  const whole = subject && /^[a-z]/.test(text) ? `${subject} ${text}` : text;
  return whole && whole[0]!.toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

// Good enough to tell one's own devices apart; no more is read out of a user agent.
export function deviceOf(userAgent: string | null): string {
  const agent = userAgent ?? "";
  const first = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = first([[/Edg\//, "Edge"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"]]);
  const system = first([
    [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"],
    [/Windows/, "Windows"], [/Mac OS/, "macOS"], [/Linux/, "Linux"],
  ]);
  if (!browser) return agent.split(/[ /]/)[0] || "Unknown device";
  return system ? `${browser} on ${system}` : browser;
}

// Why somebody who was signed in is a guest now.
export function becauseOf(reason: string | null): string | null {
  if (reason === "session_expired" || reason === "token_expired") return "Your session has expired. Sign in again.";
  if (reason === "session_revoked") return "You were signed out on this device.";
  if (reason === "refresh_token_reused") return "This session was ended to keep your account safe. Sign in again.";
  return null;
}
