import { ChatPanel } from './chat/chat-panel.js';
import { KeyDialog } from './page/key-dialog.js';
import { ModelPicker } from './page/model-picker.js';
import { Options } from './page/options.js';
import { Session } from './page/session.js';
import { Tabs } from './page/tabs.js';
import { startTheme } from './page/theme.js';
import { startIntake } from './pictures/intake.js';
import { TranscriptionPanel } from './transcription/transcription-panel.js';

startTheme();
const session = new Session();
const picker = new ModelPicker(session);
const chat = new ChatPanel(session, picker, new Options());
const speech = new TranscriptionPanel(session, picker);
const tabs = new Tabs((task) => picker.show(task));
session.onChange(() => tabs.enable('transcribe', picker.has('transcribe')));
tabs.enable('transcribe', false);
startIntake(
  (files) => {
    const [first] = files;
    if (tabs.task === 'chat') void chat.add(files);
    else if (first !== undefined) speech.add(first);
  },
  () => document.querySelector('dialog[open]') === null,
);
await new KeyDialog(session).start();
