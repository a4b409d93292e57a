/** The three steps of a first try: write, answer, see it arrive. They tick themselves off. */
import { h, icon, iconButton } from '../console/dom.js';

const STEPS = [
  { title: 'Write as the customer', hint: 'A text from the phone, a mail, or the chat in the shop.' },
  { title: 'Answer as Bo', hint: 'Your message is open in the console. Reply there.' },
  { title: 'See it arrive', hint: 'On the same phone, in the same thread.' },
];
const KEPT = 'switchboard.sim.steps';

/** @returns {{element: HTMLElement, done(count: number): void}} */
export function makeSteps() {
  const list = h('ol', { class: 'steps', 'aria-label': 'How to try it' });
  const end = iconButton('close', 'Hide the steps', () => hide());
  const element = h('div', { class: 'guide' }, list, h('p', { class: 'hush', role: 'status' }), end);
  let count = 0;
  if (sessionStorage.getItem(KEPT) === 'hidden') hide();
  draw();

  function hide() {
    sessionStorage.setItem(KEPT, 'hidden');
    element.hidden = true;
  }

  function draw() {
    list.replaceChildren(...STEPS.map((step, index) => makeStep(step, index, count)));
    const now = STEPS[count];
    element.querySelector('[role=status]').textContent = now ? `${now.title}. ${now.hint}` : 'That is the whole round.';
  }

  return {
    element,
    /** So many steps are done; they are not undone. */
    done(reached) {
      if (reached <= count) return;
      count = reached;
      draw();
    },
  };
}

function makeStep(step, index, count) {
  const state = index < count ? 'done' : index === count ? 'now' : 'later';
  const mark = state === 'done' ? icon('check', 'Done:') : String(index + 1);
  const words = h('span', { class: 'words' }, h('span', { class: 'strong' }, step.title), h('span', { class: 'hint' }, step.hint));
  return h('li', { class: state, 'aria-current': state === 'now' ? 'step' : null }, h('span', { class: 'mark' }, mark), words);
}
