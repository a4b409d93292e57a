/** The words that are put together; others stand in English where they are said, which is their key. */

/** @type {Record<string, string>} */
const EN = {
  command_assign: 'Assign to somebody', 'command_assign-me': 'Assign to me', command_back: 'Back to the list',
  'command_clear-selection': 'Clear the selection, or go back', command_close: 'Close', command_drawer: 'Developer drawer',
  'command_focus-list': 'Go to the list', command_help: 'Keyboard shortcuts', command_merge: 'Merge into another conversation',
  'command_new-conversation': 'New conversation', command_palette: 'Commands', command_presence: 'Online or away', command_priority: 'Set priority',
  command_note: 'Write a note', command_read: 'Mark as read', command_reopen: 'Reopen', command_reply: 'Reply', command_search: 'Search', command_select: 'Select', command_send: 'Send', command_settings: 'Settings',
  'command_sign-out': 'Sign out', command_snooze: 'Snooze', command_tag: 'Add a tag', command_theme: 'Light, dark or as the system',
  'command_toggle-context': 'Show or hide details', command_unread: 'Mark as unread', command_untag: 'Remove a tag', drawer_events: 'Events',
  drawer_requests: 'Requests', emptyClosed: 'Nothing closed yet', emptyClosedHelp: 'Conversations that are done come here, and can be found again.',
  emptyMine: 'You have nothing open', emptyMineHelp: 'Take one from Unassigned with the key M.', emptyOpen: 'All done',
  emptyOpenHelp: 'Nobody waits. New messages appear here by themselves.', emptySnoozed: 'Nothing asleep',
  emptySnoozedHelp: 'Snooze a conversation with the key Z, and it comes back when you say.', emptyUnassigned: 'Everything has somebody',
  emptyUnassignedHelp: 'What nobody has taken yet appears here.', emptyView: 'Nothing here',
  emptyViewHelp: 'No conversation meets this view at the moment.', emptyWaiting: 'Nobody waits for us',
  emptyWaitingHelp: 'Whoever has not been answered appears here, the longest wait first.', health_failing: 'Failing', health_ok: 'Healthy',
  health_unattended: 'Not read', health_waiting: 'Waiting for a first message', live_by: 'by', live_cursor: 'cursor', live_state: 'connection',
  medium_email: 'E-mail', medium_message: 'Message', medium_sms: 'SMS', medium_voice: 'Call', medium_webchat: 'Chat', medium_whatsapp: 'WhatsApp',
  priority_high: 'High', priority_low: 'Low', priority_normal: 'Normal', priority_urgent: 'Urgent', role_admin: 'Administrator', role_agent: 'Agent',
  settings_agents: 'People', settings_channels: 'Channels', settings_keys: 'API keys', settings_preferences: 'Preferences', settings_sessions: 'Sessions',
  snooze_hour: 'For an hour', snooze_later: 'Later today', snooze_monday: 'Monday morning', snooze_month: 'In a month',
  snooze_tomorrow: 'Tomorrow morning', status_closed: 'Closed', status_open: 'Open', status_pending: 'Pending', status_snoozed: 'Snoozed',
  theme_auto: 'As the system', theme_dark: 'Dark', theme_light: 'Light',
};

/** The words for a key, with values in their places. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values) {
  const words = EN[key] ?? key;
  return values ? words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? '')) : words;
}

/** The one key or the other, by how many there are. @param {number} count @param {string} one @param {string} many */
export function tCount(count, one, many) {
  return t(count === 1 ? one : many, { n: count });
}
