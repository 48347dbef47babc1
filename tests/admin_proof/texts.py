"""Values that a list has to show as they are: markup that would run, wildcards, separators, blanks."""

#: Each would call ``sentinel()`` where it is taken for markup.
PAYLOADS = (
    "<script>sentinel(1)</script>",
    "<SCRIPT>sentinel(1)</SCRIPT>",
    "</td></tr></table><script>sentinel(1)</script>",
    "<img src=x onerror=sentinel(1)>",
    "<img src=x onerror='sentinel(1)'>",
    '"><img src=x onerror="sentinel(1)">',
    "'><img src=x onerror=sentinel(1)>",
    "<svg onload=sentinel(1)>",
    "<svg><script>sentinel(1)</script></svg>",
    "<svg><animate onbegin=sentinel(1) attributeName=x dur=1s>",
    "<math><mtext><img src=x onerror=sentinel(1)></mtext></math>",
    "<body onload=sentinel(1)>",
    "<iframe srcdoc='<script>parent.sentinel(1)</script>'></iframe>",
    "<iframe src=javascript:parent.sentinel(1)></iframe>",
    "<object data='javascript:sentinel(1)'></object>",
    "<a href='javascript:sentinel(1)' autofocus onfocus=sentinel(1) tabindex=1>x</a>",
    "<input autofocus onfocus=sentinel(1)>",
    "<select autofocus onfocus=sentinel(1)></select>",
    "<details open ontoggle=sentinel(1)>x</details>",
    "<video><source onerror=sentinel(1)></video>",
    "<audio src=x onerror=sentinel(1)>",
    "<style>@keyframes x{}</style><b style='animation-name:x' onanimationstart=sentinel(1)>x</b>",
    "<template><img src=x onerror=sentinel(1)></template>",
    "<template data-sa-notify-bar data-sa-token=x></template>",
    "<noscript><p title='</noscript><img src=x onerror=sentinel(1)>'>",
    "<!--><img src=x onerror=sentinel(1)>-->",
    "<![CDATA[<script>sentinel(1)</script>]]>",
    "<textarea><img title='</textarea><img src=x onerror=sentinel(1)>'>",
    "&lt;script&gt;sentinel(1)&lt;/script&gt;",
    "&#60;img src=x onerror=sentinel(1)&#62;",
    "\\u003cimg src=x onerror=sentinel(1)\\u003e",
    "<img src=x:x onerror\x0b=sentinel(1)>",
    "<<script>sentinel(1);//<</script>",
    "{{ sentinel(1) }}${sentinel(1)}{% raw %}",
    "javascript:sentinel(1)//",
    "'-sentinel(1)-'",
    "\"onmouseover=\"sentinel(1)\" autofocus onfocus=\"sentinel(1)\" x=\"",
)

#: Labels of an enumeration, which PostgreSQL wants short.
MARKS = tuple(text for text in PAYLOADS if len(text.encode()) <= 63 and "\x0b" not in text)

PLAIN = ("Title", "Title 1", "Title 2", "title 3", "Ünal, Ö.", "100%_\\", "a,b.c", "", "  two  blanks ", "a\nb")
