/** What nobody needs until they ask for it: a file of its own, fetched once the page stands. */
import { writeFirst } from './actions/newconversation.js';
import { pickAssignee, pickMerge, pickPriority, pickSnooze, pickTag, pickUntag } from './actions/pickers.js';
import { changeView, saveView } from './actions/views.js';
import { askParts, askWhen } from './composer/later.js';
import { createDrawer } from './drawer/drawer.js';
import { showHelp } from './help.js';
import { askLogin, showLogin, showPasswordPage } from './login/login.js';
import { openPalette } from './palette.js';
import { mountSettings } from './settings/settings.js';
import { addWords } from './strings.js';
import { redact, showAttempts, showPicture, showRaw, showText } from './timeline/dialogs.js';
import { LATER_WORDS } from './words.js';

addWords(LATER_WORDS);

export const later = {
  askLogin, askParts, askWhen, changeView, createDrawer, mountSettings, openPalette, pickAssignee, pickMerge, pickPriority,
  pickSnooze, pickTag, pickUntag, redact, saveView, showAttempts, showHelp, showLogin, showPasswordPage, showPicture, showRaw,
  showText, writeFirst,
};
