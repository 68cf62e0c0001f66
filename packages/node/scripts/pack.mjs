// Lays out what is published, and packs it: the package itself without a binary, which asks for one
// package per platform, and one such package for each addon that lies here. Build first; elsewhere
// built addons (adyton.<platform>.node) go beside the one of this machine.
//   node scripts/pack.mjs [FOLDER]     tarballs into FOLDER, else into npm/
// Publish the platforms' tarballs before the package itself.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { addonOf, PLATFORMS } from "./platforms.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = resolve(process.argv[2] ?? join(here, "npm"));
const manifest = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const { version, license } = manifest;
const staging = mkdtempSync(join(tmpdir(), "adyton-pack-"));

mkdirSync(out, { recursive: true });
for (const platform of Object.keys(PLATFORMS)) {
  if (existsSync(join(here, addonOf(platform)))) packPlatform(platform);
}
packMain();
rmSync(staging, { recursive: true });

function packPlatform(platform) {
  const folder = stage(platform, {
    name: `${manifest.name}-${platform}`,
    version,
    description: `The addon of ${manifest.name} for ${platform}.`,
    license,
    main: addonOf(platform),
    files: [addonOf(platform), "LICENSE-*"],
    engines: manifest.engines,
    ...PLATFORMS[platform],
  });
  copyFileSync(join(here, addonOf(platform)), join(folder, addonOf(platform)));
  pack(folder);
}

function packMain() {
  const { scripts: _scripts, devDependencies: _tools, ...published } = manifest;
  const names = Object.keys(PLATFORMS).map((platform) => [`${manifest.name}-${platform}`, version]);
  const folder = stage("main", {
    ...published,
    files: ["dist", "LICENSE-*"],
    optionalDependencies: Object.fromEntries(names),
  });
  cpSync(join(here, "dist"), join(folder, "dist"), { recursive: true });
  copyFileSync(join(here, "README.md"), join(folder, "README.md"));
  pack(folder);
}

function stage(name, contents) {
  const folder = join(staging, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(contents, null, 2)}\n`);
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
    copyFileSync(join(here, "../..", licence), join(folder, licence));
  return folder;
}

function pack(folder) {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out], { cwd: folder, stdio: "inherit" });
}
