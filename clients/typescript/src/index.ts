// Everything a frontend needs of Switchboard.

export { createClient, everyItem, must, type ClientOptions, type Page, type SwitchboardClient } from "./client.js";
export { SwitchboardProblem, type FieldError, type ProblemBody, type ProblemCode } from "./problem.js";
export {
  CursorExpired,
  streamEvents,
  type Envelope,
  type EventType,
  type Reset,
  type StreamOptions,
} from "./stream.js";
export { LiveSocket, SubscriptionRefused, type LiveEvent, type SocketOptions, type Subscription } from "./socket.js";
export type { components, operations, paths } from "./types.js";
