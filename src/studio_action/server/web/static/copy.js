// Puts a snippet on the clipboard; where there is none (plain http), selects it instead.
"use strict";

function select(code) {
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return "Copied";
  } catch {
    select(code);
    return "Selected, ready to copy";
  }
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  const label = button.textContent;
  const status = document.getElementById("status");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const outcome = await copy(document.getElementById(button.dataset.copies));
    button.textContent = outcome;
    status.textContent = `${outcome}: ${button.getAttribute("aria-label")}`;
    setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 3000);
  });
}
