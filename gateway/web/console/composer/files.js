/** Files on their way up: chosen, pasted or dropped, each with its progress, and why one cannot go. */
import { h, icon, iconButton, mount } from '../dom.js';
import { t } from '../strings.js';
import { size } from '../timeline/times.js';

const MEDIA_KINDS = ['image', 'audio', 'video'];

/** @typedef {{file: {name: string, size: number, type: string}, state: 'sending' | 'done' | 'failed', share: number, attachment?: any, why?: string, request?: XMLHttpRequest}} Upload */

/** @param {HTMLElement} el @param {{api: any, limits: () => any, onDraw: () => void, onChange: () => void}} told */
export function createFiles(el, told) {
  const it = /** @type {any} */ ({ el, ...told, files: /** @type {Upload[]} */ ([]) });
  return {
    /** @param {Iterable<File>} added */
    add(added) {
      for (const file of added) void startUpload(it, file);
    },
    clear() { it.files = []; drawFiles(it); },
    redraw: () => drawFiles(it),
    /** @param {any[]} attachments that are there already: of a draft, of a message taken back */
    restore(attachments) {
      it.files.push(...attachments.map((attachment) => ({ file: { name: attachment.name ?? '', size: attachment.size ?? 0, type: attachment.media_type }, state: 'done', attachment })));
      drawFiles(it);
    },
    get count() { return it.files.length; },
    get busy() { return it.files.some((one) => one.state === 'sending'); },
    get problem() { return it.files.map((one) => whyNotIt(it, one)).find(Boolean) || whyNotAll(it.files.map((one) => one.file), it.limits()); },
    /** @returns {any[]} the parts they become */
    parts: () => it.files.filter((one) => one.attachment).map(({ attachment }) => {
      const kind = attachment.media_type.split('/')[0];
      return { type: MEDIA_KINDS.includes(kind) ? kind : 'file', attachment };
    }),
  };
}

function drawFiles(it) {
  it.el.hidden = !it.files.length;
  mount(it.el, it.files.map((one) => fileChip(it, one)));
  it.onDraw();
}

function fileChip(it, one) {
  const { file, state, share } = one;
  const why = whyNotIt(it, one);
  const label = (words) => t(words, file);
  return h('li', { class: `upload ${why ? 'bad' : ''}` }, icon(why ? 'alert' : file.type.startsWith('image/') ? 'image' : 'file'),
    h('span', { class: 'grow' }, h('bdi', { class: 'clip' }, file.name), h('small', {}, why || (state === 'sending' ? `${Math.round(share * 100)} %` : size(file.size)))),
    state === 'sending' && h('progress', { max: 1, value: share, 'aria-label': label('Uploading {name}') }),
    state === 'failed' && iconButton('retry', label('Try {name} again'), () => { removeUpload(it, one); void startUpload(it, file); }),
    iconButton('close', label('Remove {name}'), () => removeUpload(it, one)));
}

function removeUpload(it, one) {
  one.request?.abort();
  it.files = it.files.filter((other) => other !== one);
  drawFiles(it);
  it.onChange();
}

async function startUpload(it, file) {
  const one = /** @type {Upload} */ ({ file, state: 'sending', share: 0 });
  it.files.push(one);
  drawFiles(it);
  try {
    one.attachment = await upload(one, it.api.csrf, () => drawFiles(it));
    one.state = 'done';
  } catch (problem) {
    Object.assign(one, { state: 'failed', why: /** @type {Error} */ (problem).message });
  }
  if (!it.files.includes(one)) return;
  drawFiles(it);
  it.onChange();
}

const whyNotIt = (it, { why, file }) => why ?? whyNot(file, it.limits());

/** Why a way will not carry a file; '' where it will. Pure. @param {{type: string, size: number}} file @param {any} limits of the channel's type */
export function whyNot(file, limits) {
  if (!limits) return '';
  if (file.size > limits.media_bytes) return t('Too large: this channel takes {most}', { most: size(limits.media_bytes) });
  const fits = limits.media_types.some((type) => (type.endsWith('/') ? file.type.startsWith(type) : file.type === type));
  return fits || !limits.media_types.length ? '' : t('This channel does not take this kind of file');
}

/** Why a way will not carry them together; '' where it will. Pure. @param {{size: number}[]} files @param {any} limits */
export function whyNotAll(files, limits) {
  if (!limits || !files.length) return '';
  if (files.length > limits.media_count) return limits.media_count ? t('At most {media_count} files go in one message here', limits) : t('This channel takes no files');
  const all = files.reduce((sum, file) => sum + file.size, 0);
  return all > limits.media_bytes ? t('Together too large: this channel takes {most}', { most: size(limits.media_bytes) }) : '';
}

/** By XMLHttpRequest, which alone tells how far an upload is. */
function upload(one, csrf, onProgress) {
  const request = one.request = new XMLHttpRequest();
  request.open('POST', '/v1/attachments');
  request.responseType = 'json';
  if (csrf) request.setRequestHeader('X-CSRF-Token', csrf);
  request.upload.onprogress = ({ loaded, total }) => { one.share = total ? loaded / total : 0; onProgress(); };
  const form = new FormData();
  form.append('file', one.file, one.file.name);
  return new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Error(request.response?.detail ?? `HTTP ${request.status}`));
    };
    request.onerror = () => reject(new Error(t('The gateway cannot be reached.')));
    request.send(form);
  });
}
