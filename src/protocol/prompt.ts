/** What a model is asked: a text, or a conversation that it continues. */
import { z } from "zod";

const messageSchema = z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
export type ChatMessage = z.infer<typeof messageSchema>;

export const promptSchema = z.union([z.string(), z.array(messageSchema).min(1)]);
export type PromptContent = z.infer<typeof promptSchema>;

/**
 * Returns a prompt as people read it: a conversation as a transcript, `user: …` and so on, with an empty line between messages.
 */
export function describePrompt(content: PromptContent): string {
  if (typeof content === "string") return content;
  return content.map(({ role, content: said }) => `${role}: ${said}`).join("\n\n");
}
