// Makes src/types.ts out of openapi.json, which `switchboard openapi` prints. What makes no types is left out first, and
// every refusal is the same Problem, said once an operation: else the file would be three times as long.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

const ILLUSTRATIONS = new Set(["example", "examples", "links"]);
const PROBLEM = "application/problem+json";
const REFUSAL = {
  description: "Refused, or failed: `code` says why.",
  content: { [PROBLEM]: { schema: { $ref: "#/components/schemas/Problem" } } },
};
/** Keys below which names are the API's own, so that a property may well be called "example". */
const NAMED = new Set(["properties", "schemas", "paths", "parameters"]);

/** A node of the document without what makes no types. `named`: its keys are names of the API's. */
function plain(node, named = false) {
  if (Array.isArray(node)) return node.map((one) => plain(one));
  if (node === null || typeof node !== "object") return node;
  const kept = Object.entries(node).filter(([key, value]) => named || !isIdle(key, value));
  return Object.fromEntries(kept.map(([key, value]) => [key, plainBelow(key, value, named)]));
}

function isIdle(key, value) {
  return ILLUSTRATIONS.has(key) || (key === "headers" && typeof value === "object");
}

function plainBelow(key, value, named) {
  return isAnswers(key, value) ? merged(value) : plain(value, !named && NAMED.has(key));
}

function isAnswers(key, value) {
  return key === "responses" && Object.keys(value).every((status) => /^\d{3}$/.test(status));
}

/** The answers of an operation, its problems as one. */
function merged(answers) {
  const entries = Object.entries(answers);
  const others = entries.filter(([, answer]) => !(PROBLEM in (answer.content ?? {})));
  const refusals = others.length < entries.length ? [["default", REFUSAL]] : [];
  return Object.fromEntries([...others.map(([status, answer]) => [status, plain(answer)]), ...refusals]);
}

const [source = "openapi.json", target = "src/types.ts"] = process.argv.slice(2);
const document = plain(JSON.parse(await readFile(source, "utf8")));
delete document.webhooks; // an Envelope each: what an integrator's server takes, no call of a client
// A field with a default need not be sent; what always comes in answers, the document says itself.
const options = { rootTypes: true, rootTypesNoSchemaPrefix: true, defaultNonNullable: false };
const tree = await openapiTS(document, options);
await writeFile(target, COMMENT_HEADER + astToString(tree));
