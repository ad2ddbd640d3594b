/** `falcon-exp keys`: prints this machine's public key, by which other machines know it. It is made the first time. */
import { ExitCode } from "../base/exit-codes.js";
import { resolveHome } from "../python-env/home.js";
import { ownKeys, writePublicKey } from "../worker/remote/key-files.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export async function run(io: CommandIo, { json }: { readonly json: boolean }): Promise<number> {
  const key = writePublicKey(await ownKeys(resolveHome(io.env, process.platform)));
  if (json) printJson(io, { schema_version: 1, public_key: key });
  else io.stdout.write(`${key}\n`);
  return ExitCode.ok;
}
