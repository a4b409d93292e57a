/** What pages find at their window and TypeScript does not know: our own globals, and what only some browsers have. */
interface Window {
  switchboard?: any;
  subscribePush?: (given: any) => Promise<unknown>;
  navigation?: EventTarget;
  trustedTypes?: any;
}

interface HTMLDialogElement {
  closedBy: string;
}
