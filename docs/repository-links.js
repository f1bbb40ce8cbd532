// Pages link to files outside of the book as they stand beside it in the repository: ../manifests/….
// A code host follows them. In the built book they would lead nowhere, and are turned here:
// to the repository where book.toml names one, else, of a book that is read from the disk, to the working tree.
(() => {
  const root = new URL(typeof path_to_root === "string" ? path_to_root || "./" : "./", document.baseURI);
  const repository = document.querySelector('a[title="Git repository"]');
  const outside = repository
    ? repository.href.replace(/\/?$/, "/blob/HEAD/")
    // target/book is two folders below the working tree.
    : root.protocol === "file:" ? new URL("../../", root).href : null;
  const beside = new URL("../", root).href;
  for (const link of document.querySelectorAll('main a[href^="../"]')) {
    if (link.href.startsWith(root.href) || !link.href.startsWith(beside)) continue;
    const file = link.href.slice(beside.length);
    if (outside) link.href = outside + file;
    else {
      link.removeAttribute("href");
      link.title = file + " in the repository";
    }
  }
})();
