/** Everything that can be done, and every conversation, by typing. */
import { whoIn } from './format.js';
import { matches, openPicker } from './picker.js';
import { t } from './strings.js';

const CONVERSATIONS = 8;
const SHORTEST = 2;

/** @param {any} app */
export function openPalette({ api, commands, router, bus }) {
  const doable = commands.list().filter((one) => !one.hidden && one.id !== 'palette' && commands.can(one.id));
  const choices = doable.map((one) => ({ title: one.title, icon: one.icon ?? 'chevron', keys: one.keys, group: t('Commands'), pick: () => commands.run(one.id) }));
  openPicker({
    title: t('Commands'), placeholder: t('Type a command, or look for a conversation'),
    async find(text) {
      const found = choices.filter((one) => matches(one.title, text));
      if (text.length < SHORTEST) return found;
      const page = await api.get('/conversations', { q: text, limit: CONVERSATIONS }).catch(() => ({ data: [] }));
      return [...found, ...page.data.map((one) => ({
        title: `${whoIn(one)} — ${one.subject || one.preview}`, detail: `#${one.number}`, icon: one.channels[0] ?? 'message', group: t('Conversations'),
        pick: () => { router.open(one.id); bus.emit('pane', 'thread'); },
      }))];
    },
  });
}
