//! Why a seal or bundle does not fit, in both languages.

use keiki_model::text::Text;

/// The reasons, English and Japanese. What follows a reason, such as the words of a library, stays as it is.
const REASONS: [(&str, &str); 30] = [
    (
        "it is sealed and not there",
        "署名等の対象となる記録がありません",
    ),
    ("its public key cannot be read", "公開鍵を読めません"),
    ("its signature cannot be read", "署名を読めません"),
    (
        "its signature is not one over it",
        "署名が内容と一致しません",
    ),
    ("the authority refused it", "発行局が要求を拒否しました"),
    ("the token cannot be read", "トークンを読めません"),
    (
        "the token is no signed data",
        "トークンが署名付きデータではありません",
    ),
    (
        "the token holds no time stamp",
        "トークンにタイムスタンプがありません",
    ),
    (
        "the time stamp is over something else",
        "タイムスタンプの対象が異なります",
    ),
    (
        "nobody signed the time stamp",
        "タイムスタンプに署名がありません",
    ),
    (
        "the certificate of the authority is not in the token",
        "トークンに発行局の証明書がありません",
    ),
    (
        "the trusted certificate cannot be read",
        "ルート証明書を読めません",
    ),
    (
        "the time stamp has no usable time",
        "タイムスタンプの時刻が不正です",
    ),
    (
        "the token has no signed attributes",
        "トークンに署名対象の属性がありません",
    ),
    (
        "the time stamp is not what was signed",
        "タイムスタンプの内容が署名時と異なります",
    ),
    (
        "the time stamp is not signed by its authority",
        "タイムスタンプの署名が発行局のものではありません",
    ),
    (
        "the certificate is not one for time stamps",
        "タイムスタンプ用の証明書ではありません",
    ),
    (
        "a certificate did not hold at that time",
        "その時刻に有効でない証明書があります",
    ),
    (
        "the authority's certificate does not lead to a trusted one",
        "発行局の証明書がルート証明書につながりません",
    ),
    (
        "a certificate is not signed by its issuer",
        "証明書の署名が発行者のものではありません",
    ),
    (
        "the chain of certificates is too long",
        "証明書の連鎖が長すぎます",
    ),
    (
        "its last event is no closed statement",
        "最後の記録が締めた報告書ではありません",
    ),
    (
        "statement.json is not the statement that was closed",
        "statement.json が締めた報告書と異なります",
    ),
    (
        "journal.sha256 is not the list that was closed",
        "journal.sha256 が締めた時点の一覧と異なります",
    ),
    (
        "nobody signed it with this key",
        "この鍵による署名がありません",
    ),
    ("chain.txt is empty", "chain.txt が空です"),
    (
        "definitions.sha256 is not the edition that was closed",
        "definitions.sha256 が締めた時点の版と異なります",
    ),
    (
        "definitions.sha256 cannot be read",
        "definitions.sha256 を読めません",
    ),
    (
        "statement.json cannot be read",
        "statement.json を読めません",
    ),
    ("it has more than", "ファイルが多すぎます"),
];

/// Ends of reasons that begin with a file.
const ENDS: [(&str, &str); 4] = [
    (" is missing", " がありません"),
    (" is not text", " が文字として読めません"),
    (
        " is not what chain.txt says",
        " が chain.txt と一致しません",
    ),
    (
        " is not what definitions.sha256 says",
        " が definitions.sha256 と一致しません",
    ),
];

/// A reason in both languages.
pub(super) fn worded(why: &str) -> Text {
    let begins = REASONS.iter().find(|(english, _)| why.starts_with(english));
    if let Some((english, japanese)) = begins {
        return Text::new(format!("{japanese}{}", &why[english.len()..]), why);
    }
    let ends = ENDS.iter().find(|(english, _)| why.ends_with(english));
    let japanese =
        ends.map(|(english, japanese)| format!("{}{japanese}", &why[..why.len() - english.len()]));
    Text::new(japanese.unwrap_or_else(|| why.to_owned()), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_what_follows_it_and_the_file_before_it() {
        let worded = |why: &str| worded(why).ja;
        assert_eq!(
            worded("a certificate is not signed by its issuer: x"),
            "証明書の署名が発行者のものではありません: x"
        );
        assert_eq!(
            worded("events/1.json is missing"),
            "events/1.json がありません"
        );
    }
}
