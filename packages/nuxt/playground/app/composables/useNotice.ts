// One line above the page that says what has just been done, or why it could not be.
export interface Notice {
  text: string;
  bad: boolean;
}

export function useNotice() {
  const notice = useState<Notice | null>("notice", () => null);

  function say(text: string) {
    notice.value = { text, bad: false };
  }

  // For a button that is no form: the outcome is told where every outcome is told.
  async function attempt(task: () => Promise<unknown>, done: string) {
    notice.value = null;
    try {
      await task();
      say(done);
    } catch (error) {
      notice.value = { text: problemOf(error).detail, bad: true };
    }
  }

  return { notice, say, attempt };
}
