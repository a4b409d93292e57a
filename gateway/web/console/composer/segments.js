/** How many texts an SMS takes, worked out here until the gateway has said it (3GPP TS 23.038). Pure. */

const BASIC = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENDED = '\f^{}\\[~]|€'; // each takes two places
const UNITS = { 'GSM-7': { one: 160, each: 153 }, 'UCS-2': { one: 70, each: 67 } };

/** @param {string} text @returns {{encoding: 'GSM-7' | 'UCS-2', segments: number, units_left: number}} */
export function countSegments(text) {
  const chars = [...text];
  const gsm = chars.every((char) => BASIC.includes(char) || EXTENDED.includes(char));
  const encoding = gsm ? 'GSM-7' : 'UCS-2';
  const units = gsm ? chars.reduce((sum, char) => sum + (EXTENDED.includes(char) ? 2 : 1), 0) : text.length;
  const { one, each } = UNITS[encoding];
  const segments = units <= one ? 1 : Math.ceil(units / each);
  return { encoding, segments, units_left: (segments === 1 ? one : segments * each) - units };
}
