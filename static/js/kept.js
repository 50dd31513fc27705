// What this tab keeps from page to page. A browser may refuse to, and what it kept may be another version's.
export function kept(key, otherwise) {
  try {
    return JSON.parse(window.sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(key, value) {
  try {
    window.sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Then it is forgotten with the page.
  }
}
