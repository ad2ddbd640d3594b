/** A machine's own pair of keys, and other machines' public keys as people write them. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { curveKeyPair } from "zeromq";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { decodeZ85, z85 } from "../z85.js";

type KeyPair = ReturnType<typeof curveKeyPair>;

/** Returns the pair in the user's cache folder, and makes one if there is none. Throws FalconError `keys-failed`. */
export async function ownKeys(home: string): Promise<KeyPair> {
  const folder = join(home, "keys");
  const file = join(folder, "own.json");
  try {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (text !== null) {
      const { public_key, secret_key } = JSON.parse(text) as Record<string, string>;
      return { publicKey: String(public_key), secretKey: String(secret_key) };
    }
    const { publicKey, secretKey } = curveKeyPair();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const content = `${JSON.stringify({ public_key: publicKey, secret_key: secretKey })}\n`;
    await writeNew(file, content);
    return { publicKey, secretKey };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return ownKeys(home);
    throw new FalconError({
      code: "keys-failed",
      message: `The keys in ${file} cannot be read or made: ${(cause as Error).message}`,
      next: "Check the folder, or remove the file: falcon-exp keys makes new ones.",
      exitCode: ExitCode.setupFailed,
      cause,
    });
  }
}

/**
 * Writes a new file. Another process may do so at the same time: the first one counts, and nobody reads half a file. Throws
 * EEXIST if the file exists.
 */
async function writeNew(file: string, content: string): Promise<void> {
  const own = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const forUser = { mode: 0o600, flag: "wx" };
  try {
    await writeFile(own, content, forUser);
    await link(own, file).catch((error: NodeJS.ErrnoException) => {
      // Some file systems do not support hard links.
      if (!["EPERM", "ENOTSUP", "ENOSYS"].includes(error.code ?? "")) throw error;
      return writeFile(file, content, forUser);
    });
  } finally {
    await rm(own, { force: true });
  }
}

/** Writes a public key as people copy it: in hexadecimal, without characters that are special to a shell. */
export function writePublicKey({ publicKey }: Pick<KeyPair, "publicKey">): string {
  return Buffer.from(decodeZ85(publicKey)).toString("hex");
}

/** Throws FalconError `key-invalid`. */
export function readPublicKey(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text.trim())) return z85(Buffer.from(text.trim(), "hex"));
  throw new FalconError({
    code: "key-invalid",
    message: `${JSON.stringify(text)} is not a public key.`,
    next: "Give what `falcon-exp keys` prints on the other machine: 64 hexadecimal digits.",
    exitCode: ExitCode.usage,
  });
}
