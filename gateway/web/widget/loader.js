if (!window.switchboard?.live) {
  const queue = window.switchboard?.q;
  const root = document.documentElement;
  /** @type {any} */
  const script = document.querySelector('script[data-channel]');
  const options = script.dataset;
  /** @type {any[]} */
  const [host, button, dialog, frame] = ['switchboard-chat', 'button', 'dialog', 'iframe'].map((name) => document.createElement(name));
  /** @type {MessagePort | undefined} */
  let port;
  /** @type {any} */
  let known = {};
  /** @type {any} */
  let identity, page;
  try { known = JSON.parse(localStorage[options.channel]); } catch {}

  const title = () => document.title.replace(/^\(\d+\) /, '');
  const where = () => ({ url: location.href, title: title(), referrer: document.referrer, ...page });
  const tell = (type, data) => port?.postMessage([type, data]);
  const moved = () => tell('page', where());
  const load = () => {
    if (frame.src) return;
    frame.src = new URL('v1/frame?channel=' + options.channel, script.src);
    dialog.append(frame);
  };
  const show = () => {
    const { label = 'Chat', unread, look } = known;
    const count = (!dialog.open && unread) || '';
    host.style.cssText = 'all:initial;' + (look || `--c:${options.color || '#2457d6'};--s:${options.position == 'left' ? '20px auto' : 'auto 20px'}`);
    button.hidden = options.launcher == 'off';
    button.ariaLabel = label;
    button.ariaExpanded = dialog.open;
    button.dataset.unread = count;
    dialog.ariaLabel = frame.title = label;
    if (options.title != 'off') document.title = (count && `(${count}) `) + title();
  };
  const keep = (facts) => {
    known = facts;
    try { localStorage[options.channel] = JSON.stringify(facts); } catch {}
    show();
  };
  /** @type {Record<string, ((detail: any) => void)[]>} */
  const listeners = { shut: [() => dialog.close()], state: [keep] };
  const commands = {
    open() {
      if (dialog.open) return;
      load();
      const modal = matchMedia('(max-width:480px),(max-height:480px)').matches;
      dialog[modal ? 'showModal' : 'show']();
      root.style.overflow = modal ? 'hidden' : '';
      frame.focus();
      show();
      tell('open', where());
    },
    close: () => dialog.close(),
    toggle: () => commands[dialog.open ? 'close' : 'open'](),
    identify: (who) => tell('identify', (identity = who)),
    logout() {
      identity = null;
      load();
      tell('logout');
    },
    setPage(facts) {
      page = facts;
      moved();
    },
    on: (name, fn) => (listeners[name] ||= []).push(fn),
  };

  dialog.closedBy = 'closerequest';
  dialog.onclose = () => {
    root.style.overflow = '';
    show();
    tell('close');
  };
  frame.onload = () => {
    const wire = new MessageChannel();
    port = wire.port1;
    port.onmessage = ({ data: [event, detail] }) => listeners[event]?.map((fn) => fn(detail));
    frame.contentWindow.postMessage({ ...options, identity, page: where(), open: dialog.open, lang: root.lang }, frame.src, [wire.port2]);
  };
  button.onclick = commands.toggle;
  button.onpointerenter = button.onfocus = load;
  addEventListener('popstate', moved);
  window.navigation?.addEventListener('navigatesuccess', moved);

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`button,dialog{position:fixed;inset:auto;bottom:20px;inset-inline:var(--s);border:0;padding:0;z-index:9999999;box-shadow:0 4px 20px #0004}
button{width:56px;height:56px;border-radius:50%;background:var(--c);color:lab(from var(--c) calc((49.4 - l)*999) 0 0);cursor:pointer}
button:before{content:"";display:block;margin:auto;width:28px;height:28px;background:currentcolor;clip-path:path("M4 4h20v16H12l-6 5v-5H4")}
[aria-expanded=true]:before{clip-path:path("M4 11l2-2 8 8 8-8 2 2-10 10")}
button:after{content:attr(data-unread);position:absolute;top:-6px;right:-6px;min-width:20px;border-radius:20px;background:#c22;color:#fff;font:12px/20px sans-serif}
[data-unread=""]:after{content:none}
dialog{background:0 0;margin:0 0 72px;width:min(400px,100vw - 40px);height:min(680px,100vh - 112px);border-radius:20px;overflow:hidden}
iframe{border:0;width:100%;height:100%}
@media(max-width:480px),(max-height:480px){dialog{inset:0;margin:0;min-width:100vw;min-height:100dvh;border-radius:0}}
@media(forced-colors:active){button,dialog{border:2px solid}button:before{background:ButtonText}}`);
  const shadow = host.attachShadow({ mode: 'open' });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(button, dialog);
  button.setAttribute('aria-controls', (dialog.id = 'panel'));

  window.switchboard = Object.assign((name, ...rest) => { commands[name]?.(...rest); }, { live: 1 });
  new MutationObserver(() => host.isConnected || root.append(host)).observe(root, { childList: true });
  root.append(host);
  show();
  queue?.map((call) => window.switchboard(...call));
  if (known.talking) load();
}
