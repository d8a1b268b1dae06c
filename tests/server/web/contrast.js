// The texts of a page whose contrast with what is behind them is below 4.5
// (https://www.w3.org/TR/WCAG22/#contrast-minimum), with the contrast.
() => {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [red, green, blue] = numbers(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (numbers(color)[3] !== 0) {
        return color;
      }
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.checkVisibility()) {
      const levels = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
      const contrast = (levels[0] + 0.05) / (levels[1] + 0.05);
      if (contrast < 4.5) {
        found.push(`${contrast.toFixed(2)} ${texts.currentNode.data.trim()}`);
      }
    }
  }
  return found;
}
