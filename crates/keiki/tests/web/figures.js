// Run in a browser's page with what it is asked for: reads other pages of the server without opening them.

const plain = (text) => text.replace(/\s+/g, " ").trim();

async function page(path) {
  const answer = await fetch(path);
  const text = await answer.text();
  return { status: answer.status, tree: new DOMParser().parseFromString(text, "text/html") };
}

// The figures of a page: each text with a digit in what is set as a figure, with the address to which it leads.
async function figures(path) {
  const { status, tree } = await page(path);
  const found = new Map();
  for (const element of tree.querySelectorAll(MARKED)) {
    // A difference of nothing has nothing behind it.
    if (element.closest(`${RECORDS}, .nothing`)) continue;
    const walker = tree.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = plain(walker.currentNode.data).replace(/^n = /, "");
      const link = walker.currentNode.parentElement.closest("a[href]");
      const href = link === null ? "" : link.getAttribute("href");
      // What others published leads to them.
      if (/^https?:/.test(href)) continue;
      // What stands above a line and below it are two.
      for (const one of text.split(" / ").filter((one) => /[0-9]/.test(one))) found.set(`${one}\n${href}`, { text: one, href });
    }
  }
  return { status, figures: [...found.values()] };
}

// Where a page shows texts: the status, and those that are not found in what its address names.
async function shows(path, wanted) {
  const [place, fragment] = path.split("#");
  const { status, tree } = await page(place);
  const part = fragment ? tree.getElementById(decodeURIComponent(fragment)) : tree.querySelector("main");
  const text = part === null ? "" : plain(part.textContent);
  const number = (written) => Number(written.replaceAll(",", ""));
  const numbers = (text.match(/[0-9][0-9,]*(?:\.[0-9]+)?/g) ?? []).map(number);
  const isThere = (one) => {
    // Where it leads, a number may stand without its unit, and millions are written out.
    const alone = one.match(/^¥?([0-9,]+(?:\.([0-9]+))?)(百万|M)?(?:円|件|時間| h)?$/);
    if (alone !== null) {
      const [, digits, decimals, millions] = alone;
      const rounded = (found) => (found / 1e6).toFixed(decimals?.length ?? 0);
      const isSame = (found) => (millions ? rounded(found) === number(digits).toFixed(decimals?.length ?? 0) : found === number(digits));
      return numbers.some(isSame);
    }
    const ends = text.split(one);
    // A figure is a whole one: 5 is not found in 50.
    return ends.slice(1).some((after, at) => !/[0-9.,]$/.test(ends[at]) && !/^[0-9]|^[.,][0-9]/.test(after));
  };
  return { status, missing: wanted.filter((one) => !isThere(one)) };
}
