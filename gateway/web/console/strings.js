/** Every word of the frame that is there from the start; the others are in words.js. A language more is a table more of the same keys. */

/** @type {Record<string, string>} */
const EN = {
  allowed: 'Here may stand: {list}', alsoOnline: 'Also online', assign: 'Assign', assignedTo: 'Assigned to {name}', assignedToYou: 'Assigned to you',
  away: 'Away', backToList: 'Back to the list', cancel: 'Cancel', caughtUp: 'Caught up, {count} events', caughtUpOne: 'Caught up, 1 event',
  changeView: 'Change the view “{name}”', clearSearch: 'Clear the search', close: 'Close', closedNow: 'Closed', closeViews: 'Close the menu',
  command_assign: 'Assign to somebody', 'command_assign-me': 'Assign to me', command_back: 'Back to the list',
  'command_clear-selection': 'Clear the selection, or go back', command_close: 'Close', command_drawer: 'Developer drawer',
  'command_focus-list': 'Go to the list', command_help: 'Keyboard shortcuts', command_merge: 'Merge into another conversation',
  'command_new-conversation': 'New conversation', command_palette: 'Commands', command_presence: 'Online or away', command_priority: 'Set priority',
  command_read: 'Mark as read', command_reopen: 'Reopen', command_search: 'Search', command_select: 'Select', command_settings: 'Settings',
  'command_sign-out': 'Sign out', command_snooze: 'Snooze', command_tag: 'Add a tag', command_theme: 'Light, dark or as the system',
  'command_toggle-context': 'Show or hide details', command_unread: 'Mark as unread', command_untag: 'Remove a tag',
  connectChannel: 'Connect a channel', conversation: 'Conversation', conversations: 'Conversations', conversationsLower: 'conversations',
  copyRequestId: 'Copy request id', details: 'Details', dismiss: 'Dismiss', emptyClosed: 'Nothing closed yet',
  emptyClosedHelp: 'Conversations that are done come here, and can be found again.', emptyMine: 'You have nothing open',
  emptyMineHelp: 'Take one from Unassigned with the key M.', emptyOpen: 'All done',
  emptyOpenHelp: 'Nobody waits. New messages appear here by themselves.', emptySnoozed: 'Nothing asleep',
  emptySnoozedHelp: 'Snooze a conversation with the key Z, and it comes back when you say.', emptyUnassigned: 'Everything has somebody',
  emptyUnassignedHelp: 'What nobody has taken yet appears here.', emptyView: 'Nothing here',
  emptyViewHelp: 'No conversation meets this view at the moment.', emptyWaiting: 'Nobody waits for us',
  emptyWaitingHelp: 'Whoever has not been answered appears here, the longest wait first.', firstChannel: 'Connect a channel',
  firstChannelText: 'A phone number, a mailbox, or a chat on your site. Each shows what is left to set up.', firstDocs: 'Read how it is built',
  firstDocsText: 'Everything this console does is in the public API.',
  firstText: 'Switchboard puts what people write on any channel into one list. Connect the first to begin.',
  firstTitle: 'Let’s get your first message', firstTry: 'Try it without an account',
  firstTryText: 'The simulator is your customers’ phone, mailbox and browser: write from there and see it arrive here.',
  foundNothing: 'Nothing found', foundNothingHelp: 'Try fewer words, or look among closed ones with is:closed.', goToView: 'Go to {name}',
  group_conversation: 'Conversation', group_list: 'List', group_page: 'Page', invitation: 'Invitation', link: 'Link',
  listFailed: 'The list could not be read', loading: 'Loading', markRead: 'Mark as read', medium_email: 'E-mail', medium_message: 'Message',
  medium_sms: 'SMS', medium_voice: 'Call', medium_webchat: 'Chat', medium_whatsapp: 'WhatsApp', merge: 'Merge', mergedNow: 'Merged',
  message: 'Message', navigation: 'Navigation', newConversation: 'New conversation', newMessage: 'New message', nextConversation: 'Next conversation',
  nothingHere: 'Nothing to read', nothingOpen: 'Choose a conversation', noWords: 'No message yet',
  offline: 'You are offline. What you write is kept.', online: 'Online', openConversation: 'Open conversation', openDocs: 'Open the documentation',
  openSimulator: 'Open the simulator', openViews: 'Open the menu', previousConversation: 'Previous conversation', priority_high: 'High',
  priority_low: 'Low', priority_normal: 'Normal', priority_urgent: 'Urgent', reconnecting: 'Reconnecting…',
  refused: '{count} of {of} could not be changed.', reopenedNow: 'Reopened', resizeDetails: 'Width of the details', resizeList: 'Width of the list',
  results: 'Search results', savedViews: 'Saved views', saveView: 'Save as a view', search: 'Search', searchConversations: 'Search conversations',
  searchPlaceholder: 'Search, or is:unread tag:vip', selected: '{count} selected', selection: 'Selection', selectNone: 'Clear the selection',
  settings: 'Settings', skipToThread: 'Skip to the conversation', snooze: 'Snooze', snoozedNow: 'Snoozed', status_closed: 'Closed',
  status_open: 'Open', status_pending: 'Pending', status_snoozed: 'Snoozed', tag: 'Tag', taggedNow: 'Tagged “{tag}”', theme: 'Theme',
  theme_auto: 'As the system', theme_dark: 'Dark', theme_light: 'Light', themeNow: 'Theme: {theme}',
  threadFailed: 'The conversation could not be opened', threadMissing: 'There is no such conversation',
  threadMissingHelp: 'It may have been merged or erased, or the link is incomplete.', tryAgain: 'Try again', unassigned: 'Unassigned',
  unassignedNow: 'Taken from whoever had it', undo: 'Undo', unknown: 'Unknown', unread: 'unread', views: 'Views', waiting: 'waiting for',
  waitingSince: 'Waiting since {at}',
};

/** The words for a key, with values in their places. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values) {
  const words = EN[key] ?? key;
  return values ? words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? '')) : words;
}

/** Words of parts that come later. @param {Record<string, string>} words */
export function addWords(words) {
  Object.assign(EN, words);
}
