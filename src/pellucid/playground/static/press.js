// A press outlives the rebuilding of what is pressed. A browser gives no click where a button was replaced between
// the hand's going down and its coming up: whoever types a number and then presses a button would press in vain.

const PRESSED = "button, summary, label, input, a, [role=button]";

export function keepPresses() {
  let pressed = null;
  const press = ({ target, button }) => (pressed = button ? null : target.closest(PRESSED));
  const release = ({ target }) => {
    const made = target.closest(PRESSED);
    if (made && pressed && !pressed.isConnected && nameOf(made) && nameOf(made) === nameOf(pressed)) {
      made.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    }
    pressed = null;
  };
  document.addEventListener("mousedown", press);
  document.addEventListener("mouseup", release);
  document.addEventListener("keydown", (event) => event.key === " " && !event.repeat && press(event));
  document.addEventListener("keyup", (event) => event.key === " " && release(event));
}

const nameOf = ({ id, htmlFor }) => id || htmlFor;
