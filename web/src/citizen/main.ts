import { mount } from 'svelte';
import '../kit/theme.css';
import { addMessages, startLanguage } from '../kit/i18n.ts';
import en from '../kit/locales/citizen.en.json';
import ko from '../kit/locales/citizen.ko.json';
import directEn from '../kit/locales/direct.en.json';
import directKo from '../kit/locales/direct.ko.json';
import App from './App.svelte';

addMessages({ ko: { ...ko, ...directKo }, en: { ...en, ...directEn } });
startLanguage();
mount(App, { target: document.getElementById('app') as HTMLElement });

if ('serviceWorker' in navigator && import.meta.env.PROD) {
  // The page works without it; only opening it offline needs it.
  navigator.serviceWorker.register('/sw.js').catch((error: unknown) => console.warn('service worker', error));
}
