// Sends a form with a file and shows how far it has come. Without it the form is sent as forms are.

watch();

function watch() {
  for (const form of document.querySelectorAll('form[enctype="multipart/form-data"]')) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      send(form);
    });
  }
}

function send(form) {
  const button = form.querySelector('button');
  const line = document.createElement('p');
  line.setAttribute('role', 'status');
  const words = document.createElement('span');
  const bar = document.createElement('progress');
  bar.max = 1;
  line.append(words, ' ', bar);
  form.append(line);
  button.disabled = true;
  const say = (text) => {
    words.textContent = text;
    bar.setAttribute('aria-label', text);
  };
  say(form.dataset.sending);

  const request = new XMLHttpRequest();
  request.open('POST', form.action);
  request.upload.addEventListener('progress', (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.upload.addEventListener('load', () => {
    say(form.dataset.reading);
    bar.removeAttribute('value');
  });
  request.addEventListener('error', () => {
    say(form.dataset.broken);
    bar.remove();
    button.disabled = false;
  });
  request.addEventListener('load', () => {
    // Where it led is the page of the file; what stayed says what is wrong.
    if (request.responseURL && request.responseURL !== form.action) {
      location.assign(request.responseURL);
      return;
    }
    const answer = new DOMParser().parseFromString(request.responseText, 'text/html');
    document.title = answer.title;
    document.querySelector('main').replaceWith(answer.querySelector('main'));
    watch();
  });
  request.send(new FormData(form));
}
