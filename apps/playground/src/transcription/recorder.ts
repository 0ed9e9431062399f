/** Records from the microphone until it is stopped. */
export class Recorder {
  #recorder: MediaRecorder | undefined;

  /** False where the page came over plain HTTP from another machine: browsers then give no microphone away. */
  static get isOffered(): boolean {
    return navigator.mediaDevices !== undefined && typeof MediaRecorder !== 'undefined';
  }

  get isRecording(): boolean {
    return this.#recorder?.state === 'recording';
  }

  /** Resolves with the recording once `stop` is called. Throws `DOMException` when the user or the machine refuses. */
  async record(onStart: () => void): Promise<File> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const recorder = new MediaRecorder(stream);
    this.#recorder = recorder;
    const pieces: Blob[] = [];
    return new Promise((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => pieces.push(data);
      recorder.onerror = () => reject(new Error('the microphone failed'));
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        const type = recorder.mimeType;
        resolve(new File(pieces, `recording.${type.includes('mp4') ? 'mp4' : 'webm'}`, { type }));
      };
      recorder.start();
      onStart();
    });
  }

  stop(): void {
    this.#recorder?.stop();
  }
}
