import { hostname, platform, release } from "node:os";
import { execa } from "execa";
import type { RunRecord } from "../run/record-types.js";

/** Describes the controller's side of a run's environment. The commit is null if `cwd` is not in a git repository. */
export async function describeController(cwd: string): Promise<RunRecord["controller"]> {
  const git = async (...args: string[]): Promise<string | null> => {
    const result = await execa("git", args, { cwd, reject: false, timeout: 5_000 });
    return result.failed ? null : result.stdout;
  };
  const [commit, changes] = await Promise.all([git("rev-parse", "HEAD"), git("status", "--porcelain")]);
  return {
    node_version: process.versions.node,
    platform: `${platform()} ${release()}`,
    hostname: hostname(),
    git_commit: commit,
    git_dirty: commit === null || changes === null ? null : changes !== "",
  };
}
