// Light or dark as the person chose on this device; runs before the first paint so nothing flashes. app.js does the choosing.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the device decides */ }
