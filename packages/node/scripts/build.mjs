// Builds the addon and the package around it. In a published package there is nothing to build.
//   ADYTON_NODE_PROFILE   cargo's profile: release unless it says otherwise
//   --update-types        writes src/native.generated.ts anew instead of comparing it

import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { addonOf, platform } from "./platforms.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const root = join(here, "../..");
const profile = process.env.ADYTON_NODE_PROFILE || "release";
const target = process.env.CARGO_TARGET_DIR || join(root, "target");

if (existsSync(join(root, "crates/adyton-node/Cargo.toml"))) {
  cargo();
  copyAddon();
  checkTypes();
}
compile();

function cargo() {
  const features = profile === "dev" ? ["--features", "testing"] : [];
  const folder = join(target, "adyton-node-types", profile);
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, NAPI_TYPE_DEF_TMP_FOLDER: folder };
  const built = spawnSync("cargo", ["build", "-p", "adyton-node", "--profile", profile, ...features], {
    cwd: root,
    stdio: "inherit",
    env,
  });
  if (built.error)
    console.error("The addon of @adyton/node is built with Rust: install it from https://rustup.rs.");
  if (built.status !== 0) process.exit(1);
}

/** A file that is mapped must not be written into, so the new one takes its place. */
function copyAddon() {
  const name = `libadyton_node.${process.platform === "darwin" ? "dylib" : "so"}`;
  const built = join(target, profile === "dev" ? "debug" : profile, name);
  const addon = join(here, addonOf(platform()));
  copyFileSync(built, `${addon}.new`);
  renameSync(`${addon}.new`, addon);
}

function checkTypes() {
  const file = join(here, "src/native.generated.ts");
  const types = declarations(readFileSync(join(target, "adyton-node-types", profile, "adyton-node"), "utf8"));
  if (process.argv.includes("--update-types")) writeFileSync(file, types);
  const committed = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (committed !== types) {
    console.error("packages/node/src/native.generated.ts is stale: npm run build -- --update-types");
    process.exit(1);
  }
}

/** What napi's macros tell of each item, a JSON object a line. */
function declarations(lines) {
  const items = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const text = items.map((item) => {
    const indented = item.def
      .split("\n")
      .map((line) => `  ${line}`)
      .join("\n");
    switch (item.kind) {
      case "interface":
        return `${item.js_doc}export interface ${item.name} {\n${indented}\n}\n`;
      case "struct": {
        const methods = items.find((other) => other.kind === "impl" && other.name === item.name).def;
        const inner = methods
          .split("\n")
          .map((line) => `  ${line.replace(/^ (?=\w)/, "")}`)
          .join("\n");
        return `${item.js_doc}export declare class ${item.name} {\n${inner}\n}\n`;
      }
      case "fn":
        return `${item.js_doc}export declare ${item.def};\n`;
      default:
        return "";
    }
  });
  return `// Generated from crates/adyton-node by scripts/build.mjs.\n\n${text.filter(Boolean).join("\n")}`;
}

function compile() {
  rmSync(join(here, "dist"), { recursive: true, force: true });
  execFileSync("npx", ["--no-install", "tsc", "-p", here], { cwd: here, stdio: "inherit" });
}
