// The copy button. Without scripts, or without a clipboard (plain http), it stays hidden.
const button = document.querySelector("[data-copies]");
if (button && navigator.clipboard) {
  const told = document.querySelector("[data-told]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      told.textContent = "The token is copied.";
    } catch {
      getSelection().selectAllChildren(source);
      told.textContent = "It could not be copied. It is selected: copy it by hand.";
    }
  });
}
