import { homedir } from "node:os";
import { join, resolve } from "node:path";
import envPaths from "env-paths";

/**
 * A user's cache folder, shared by all projects: `FALCON_EXP_HOME`, else `falcon-exp` in `XDG_CACHE_HOME`, else
 * in the platform's cache folder. The worker looks in the same place (falcon_exp/worker/supervisor/main.py).
 */
export function resolveHome(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  const { FALCON_EXP_HOME: own, XDG_CACHE_HOME: xdg } = env;
  if (own !== undefined && own !== "") return resolve(own);
  if (xdg !== undefined && xdg !== "") return resolve(xdg, "falcon-exp");
  if (platform === "linux") return join(env.HOME ?? homedir(), ".cache", "falcon-exp");
  return envPaths("falcon-exp", { suffix: "" }).cache;
}
