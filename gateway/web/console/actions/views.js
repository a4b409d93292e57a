/** Keeping a search as a view; calling a view otherwise, or letting it go. */
import { field, openForm } from '../dialog.js';
import { h, icon } from '../dom.js';
import { t } from '../strings.js';
import { toast, toastProblem } from '../toast.js';

/** @param {any} app @param {string} query */
export function saveView({ api, store, router }, query) {
  const name = h('input', { name: 'name', required: true, maxLength: 100, placeholder: t('VIPs waiting') });
  const whose = h('select', { name: 'whose' }, h('option', { value: 'mine' }, t('Only me')), h('option', { value: 'all' }, t('Everybody')));
  const fields = [h('p', { class: 'quiet' }, h('code', null, query)), field(t('Name'), name), field(t('Who sees it'), whose)];
  openForm({ title: t('Save as a view'), submit: t('Save') }, fields, async (values) => {
    const agent_id = values.whose === 'mine' ? store.me?.id ?? null : null;
    const view = await api.post('/views', { name: values.name.trim(), query, agent_id });
    store.set('views', (await api.get('/views')).data);
    router.go({ view: view.id });
    toast(t('The view is saved'), { kind: 'ok' });
  });
}

/** @param {any} app @param {any} view */
export function changeView({ api, store, router }, view) {
  const name = h('input', { name: 'name', value: view.name, required: true, maxLength: 100, 'aria-label': t('Name') });
  const query = h('input', { name: 'query', value: view.query, maxLength: 1000, 'aria-label': t('Search') });
  const again = async () => store.set('views', (await api.get('/views')).data);
  const remove = async () => {
    await api.del(`/views/${view.id}`, { ifMatch: view.version });
    await again();
    if (router.route().view === view.id) router.go({});
    dialog.close();
  };
  const button = h('button', { type: 'button', class: 'danger', onclick: () => remove().catch(toastProblem) }, icon('trash'), t('Delete this view'));
  const dialog = openForm({ title: t('Change the view “{name}”', { name: view.name }), submit: t('Save') }, [name, query, h('div', null, button)], async (values) => {
    await api.patch(`/views/${view.id}`, { name: values.name.trim(), query: values.query.trim() }, { ifMatch: view.version });
    await again();
  });
}
