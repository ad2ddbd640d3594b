/** What is required of every request, and what every response tells the browser. */
import type { MiddlewareHandler } from "hono";
import { messagePage } from "./pages/layout.js";

/** Scripts and styles must be the server's own files, and a page may connect to no other server. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/** This machine's names for itself, with any port, because a forwarded port has another number at its other end. */
const HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/**
 * Refuses requests that do not address this machine by its own name (DNS rebinding: a stranger's page whose name was made to
 * point here), and all requests that do more than read. Adds the headers to every response, refusals included; a header that
 * a response sets itself, such as its own policy, stays.
 */
export const guard: MiddlewareHandler = async (context, next) => {
  const host = context.req.header("host") ?? "";
  if (!HOST.test(host)) {
    context.res = await context.html(
      messagePage("Refused", "This server answers only as 127.0.0.1 and localhost.", null),
      403,
    );
  } else if (context.req.method !== "GET" && context.req.method !== "HEAD") {
    context.res = await context.html(messagePage("Refused", "This server is read-only.", null), 405, {
      allow: "GET, HEAD",
    });
  } else await next();
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  }
};
