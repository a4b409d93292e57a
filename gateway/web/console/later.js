/** What nobody needs until they ask for it, or until the page stands: a file of its own. */
import { writeFirst } from './actions/newconversation.js';
import { pickAssignee, pickMerge, pickPriority, pickSnooze, pickTag, pickUntag } from './actions/pickers.js';
import { changeView, saveView } from './actions/views.js';
import { askParts, askWhen } from './composer/later.js';
import { mountContext } from './context/context.js';
import { createDrawer } from './drawer/drawer.js';
import { showHelp } from './help.js';
import { askLogin, showLogin, showPasswordPage } from './login/login.js';
import { openPalette } from './palette.js';
import { mountSettings } from './settings/settings.js';
import { redact, showAttempts, showPicture, showRaw, showText } from './timeline/dialogs.js';

export const later = {
  askLogin, askParts, askWhen, changeView, createDrawer, mountContext, mountSettings, openPalette, pickAssignee, pickMerge,
  pickPriority, pickSnooze, pickTag, pickUntag, redact, saveView, showAttempts, showHelp, showLogin, showPasswordPage,
  showPicture, showRaw, showText, writeFirst,
};
