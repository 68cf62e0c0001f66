// better-auth on better-sqlite3, as its documentation sets it up; sessions are looked up in the database, and tokens
// are taken as bearers.

import { betterAuth } from "better-auth";
import { bearer } from "better-auth/plugins";
import Database from "better-sqlite3";

export const SECRET = "for-the-benchmark-alone-0123456789abcdefghijklmnop";
export const database = new Database(process.env.DATABASE);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");
database.pragma("busy_timeout = 20000");

export const options = {
  database,
  secret: SECRET,
  baseURL: `http://127.0.0.1:${process.env.PORT ?? 3000}`,
  emailAndPassword: { enabled: true },
  plugins: [bearer()],
  // On in production by default; no server of the benchmark limits its attempts.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
};
export const auth = betterAuth(options);
