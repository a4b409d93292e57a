/** Files on their way up: chosen, pasted or dropped, each with its progress, and why one cannot go. */
import { h, icon, iconButton, mount } from '../dom.js';
import { size } from '../timeline/times.js';
import { say } from '../timeline/words.js';

const KINDS = ['image', 'audio', 'video'];

/** @param {HTMLElement} el @param {{api: any, limits: () => any, onChange: () => void}} told */
export function createFiles(el, { api, limits, onChange }) {
  /** @type {{file: File, name: string, state: 'sending' | 'done' | 'failed', share: number, attachment?: any, why?: string, request?: XMLHttpRequest}[]} */
  let files = [];

  function draw() {
    el.hidden = files.length === 0;
    mount(el, files.map(chip));
    onChange();
  }

  const chip = (one) => {
    const why = one.why ?? whyNot(one.file, limits());
    const facts = why || (one.state === 'sending' ? `${Math.round(one.share * 100)} %` : size(one.file.size));
    return h('li', { class: `upload ${why ? 'bad' : ''}` }, icon(why ? 'alert' : one.file.type.startsWith('image/') ? 'image' : 'file'),
      h('span', { class: 'grow' }, h('bdi', { class: 'clip' }, one.name), h('small', {}, facts)),
      one.state === 'sending' && h('progress', { max: 1, value: one.share, 'aria-label': say('Uploading {name}', one) }),
      iconButton('close', say('Remove {name}', one), () => remove(one)));
  };

  function remove(one) {
    one.request?.abort();
    files = files.filter((other) => other !== one);
    draw();
  }

  async function upload(one) {
    try {
      one.attachment = await send(one, api.csrf, draw);
      one.state = 'done';
    } catch (problem) {
      Object.assign(one, { state: 'failed', why: /** @type {Error} */ (problem).message });
    }
    if (files.includes(one)) draw();
  }

  return {
    /** @param {Iterable<File>} added */
    add(added) {
      for (const file of added) {
        const one = { file, name: file.name || say('Pasted picture'), state: /** @type {const} */ ('sending'), share: 0 };
        files.push(one);
        void upload(one);
      }
      draw();
    },
    clear() { files = []; draw(); },
    redraw: draw,
    /** @param {any[]} attachments brought back by an undo */
    restore(attachments) {
      files = attachments.map((attachment) => ({ file: /** @type {any} */ ({ name: attachment.name, size: attachment.size ?? 0, type: attachment.media_type }), name: attachment.name ?? '', state: 'done', share: 1, attachment }));
      draw();
    },
    get count() { return files.length; },
    get busy() { return files.some((one) => one.state === 'sending'); },
    get wrong() { return files.some((one) => one.state === 'failed' || whyNot(one.file, limits())) || files.length > (limits()?.media_count ?? Infinity); },
    /** @returns {any[]} the parts they become */
    parts: () => files.filter((one) => one.attachment).map(({ attachment }) => {
      const kind = attachment.media_type.split('/')[0];
      return { type: KINDS.includes(kind) ? kind : 'file', attachment };
    }),
  };
}

/** Why a way will not carry a file; '' where it will. @param {{type: string, size: number}} file @param {any} limits of the channel's type */
export function whyNot(file, limits) {
  if (!limits) return '';
  if (file.size > limits.media_bytes) return say('Too large: this channel takes {most}', { most: size(limits.media_bytes) });
  const fits = limits.media_types.some((type) => (type.endsWith('/') ? file.type.startsWith(type) : file.type === type));
  return fits || !limits.media_types.length ? '' : say('This channel does not take this kind of file');
}

/** By XMLHttpRequest, which alone tells how far an upload is. */
function send(one, csrf, onProgress) {
  const request = new XMLHttpRequest();
  one.request = request;
  request.open('POST', '/v1/attachments');
  request.setRequestHeader('Accept', 'application/json');
  if (csrf) request.setRequestHeader('X-CSRF-Token', csrf);
  request.upload.onprogress = ({ loaded, total }) => { one.share = total ? loaded / total : 0; onProgress(); };
  const form = new FormData();
  form.append('file', one.file, one.name);
  return new Promise((resolve, reject) => {
    request.onload = () => {
      const body = safeParse(request.responseText);
      if (request.status < 300) resolve(body);
      else reject(new Error(body?.detail ?? `HTTP ${request.status}`));
    };
    request.onerror = () => reject(new Error(say('The gateway cannot be reached.')));
    request.send(form);
  });
}

function safeParse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
