/**
 * The words of a message as a tree of `[tag, props, ...children]`: Markdown's small change and plain addresses.
 * Pure. Whatever is not understood stays text; no tag and no address comes from the message but those named here.
 */

const MAX_MARKDOWN_CHARS = 20_000; // longer texts are shown as they were written: no hand wrote them
const MAX_DEPTH = 6;
const LINK = /^(https?:\/\/|mailto:|tel:)[^\s]/i;
const TAIL = /[.,:;!?'"’”)\]}…。，、]+$/;
const ADDRESS = /https?:\/\/[^\s<>"`]{1,2000}|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g;
const MARKS =
  /`([^`\n]{1,400})`|\*\*(\S(?:.{0,400}?\S)?)\*\*|(?<![\w*])\*(\S(?:[^*\n]{0,400}?\S)?)\*(?![\w*])|(?<!\w)_(\S(?:[^_\n]{0,400}?\S)?)_(?!\w)|~~(\S.{0,400}?)~~|\[([^\]\n]{1,400})\]\(([^\s()]{1,2000})\)/g;
const ITEM = /^\s{0,3}(?:([-*+])|(\d{1,3})[.)])\s+(.*)$/;

/** @typedef {string | [string, object, ...any]} Tree */

/** @param {string} text @param {"plain" | "markdown"} [format] @returns {Tree[]} */
export function readText(text, format = 'plain') {
  const marked = format === 'markdown' && text.length <= MAX_MARKDOWN_CHARS;
  return marked ? readBlocks(text.split('\n'), 0) : [['p', {}, ...readAddresses(text)]];
}

/** @param {string[]} lines @param {number} depth @returns {Tree[]} */
function readBlocks(lines, depth) {
  const blocks = /** @type {Tree[]} */ ([]);
  while (lines.length) {
    if (!lines[0].trim()) lines.shift();
    else blocks.push(readTextBlock(lines, depth));
  }
  return blocks;
}

/** Takes the lines of one block off the front. @param {string[]} lines @param {number} depth @returns {Tree} */
function readTextBlock(lines, depth) {
  if (lines[0].startsWith('```')) return readFence(lines);
  if (lines[0].startsWith('>') && depth < MAX_DEPTH) {
    const quoted = take(lines, (line) => line.startsWith('>')).map((line) => line.slice(1).trimStart());
    return ['blockquote', {}, ...readBlocks(quoted, depth + 1)];
  }
  if (ITEM.test(lines[0])) return readList(lines);
  const heading = /^#{1,6}\s+(.*)$/.exec(lines[0]);
  if (heading) {
    lines.shift();
    return ['p', {}, ['strong', {}, ...readInline(heading[1])]];
  }
  const words = [lines.shift(), ...take(lines, isPlainLine)];
  return ['p', {}, ...readInline(words.join('\n'))];
}

function isPlainLine(line) {
  return Boolean(line.trim()) && !/^(```|>|#)/.test(line) && !ITEM.test(line);
}

/** @returns {Tree} */
function readFence(lines) {
  lines.shift();
  const code = take(lines, (line) => !line.startsWith('```'));
  lines.shift();
  return ['pre', {}, code.join('\n')];
}

/** @returns {Tree} */
function readList(lines) {
  const ordered = Boolean(ITEM.exec(lines[0])?.[2]);
  const items = take(lines, (line) => Boolean(ITEM.exec(line)?.[ordered ? 2 : 1]));
  return [ordered ? 'ol' : 'ul', {}, ...items.map((line) => ['li', {}, ...readInline(ITEM.exec(line)?.[3] ?? '')])];
}

/** @param {string[]} lines @param {(line: string) => boolean} wanted */
function take(lines, wanted) {
  const end = lines.findIndex((line) => !wanted(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

/** @param {string} text @returns {Tree[]} */
function readInline(text) {
  return splitBy(text, MARKS, readMark, readAddresses);
}

function readMark([whole, code, strong, star, line, struck, label, target]) {
  if (code !== undefined) return ['code', {}, code];
  if (strong !== undefined) return ['strong', {}, ...readInline(strong)];
  if (star ?? line) return ['em', {}, ...readInline(star ?? line)];
  if (struck !== undefined) return ['s', {}, ...readInline(struck)];
  return LINK.test(target) ? link(target, [label]) : whole;
}

/** Text with its web and mail addresses made links. @param {string} text @returns {Tree[]} */
function readAddresses(text) {
  return splitBy(text, ADDRESS, ([found]) => {
    const shown = found.replace(TAIL, '');
    const leads = link(shown.includes('://') ? shown : `mailto:${shown}`, [shown]);
    return ['span', {}, leads, found.slice(shown.length)];
  }, (rest) => [rest]);
}

/** What a pattern finds, made anew, and what stands between. */
function splitBy(text, pattern, make, between) {
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > end) pieces.push(...between(text.slice(end, found.index)));
    pieces.push(make(found));
    end = found.index + found[0].length;
  }
  return end < text.length ? [...pieces, ...between(text.slice(end))] : pieces;
}

/** The title shows where it leads: the words may say otherwise. */
function link(href, children) {
  return ['a', { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...children];
}
