// The platforms that have a package of their own, and the addon's name on each.

export const PLATFORMS = {
  "linux-x64-gnu": { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
  "linux-x64-musl": { os: ["linux"], cpu: ["x64"], libc: ["musl"] },
  "linux-arm64-gnu": { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] },
  "linux-arm64-musl": { os: ["linux"], cpu: ["arm64"], libc: ["musl"] },
  "darwin-x64": { os: ["darwin"], cpu: ["x64"] },
  "darwin-arm64": { os: ["darwin"], cpu: ["arm64"] },
};

/** The platform that this runs on. */
export function platform() {
  const libc = () => (process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl");
  const { platform, arch } = process;
  return platform === "linux" ? `linux-${arch}-${libc()}` : `${platform}-${arch}`;
}

export const addonOf = (platform) => `adyton.${platform}.node`;
