"""Passwords tried first by whoever guesses: words, rows of keys and phrases that reach the least length. Our own list.

What people put behind a word, digits and signs, is taken off before it is looked up here.
"""

from __future__ import annotations

COMMONEST = frozenset(
    """
000000000000 111111111111 1234567890 12345678910 123456789012 1234567890123 123123123123 123456123456 112233445566
123654789123 147258369000 qwertyuiop qwertyuiopas qwertyuiop[] qwertyqwerty qwerty123456 qwertyuiop123 1qaz2wsx3edc
1q2w3e4r5t6y 1q2w3e4r5t6y7u8i q1w2e3r4t5y6 zaq12wsxcde3 asdfghjkl asdfghjklzxc zxcvbnm zxcvbnmasdfg azertyuiop
qwertzuiop poiuytrewq abcdefghijkl abcdefghijklm abcd1234abcd abc123abc123 abcdef123456 a1b2c3d4e5f6 aaaabbbbcccc
password passwordpassword passw0rd p@ssword p@ssw0rd pa$$word pa55word passwort passwortpasswort passphrase
mypassword mypasswordis newpassword yourpassword thepassword apassword ilovepassword nopassword password1password
contrasena contraseña micontrasena motdepasse monmotdepasse senhasenha minhasenha wachtwoord parola heslo haslo
letmein letmeinplease letmeinnow openthedoor opensesame changeme changemenow changemeplease pleasechangeme
changethis changethispassword temporary temporarypassword defaultpassword default testtesttest testing testpassword
administrator adminadmin adminadminadmin adminpassword rootrootroot rootpassword superuser supervisor sysadmin
welcome welcometo welcomewelcome welcomehome welcomeback helloworld hellohello hellothere iloveyou iloveyouso
iloveyoumore iloveyouforever iloveyouiloveyou iloveu loveyouforever lovelovelove mylove iloveme ilovegod jesuschrist
jesusislord iamthebest ihateyou fuckyoufuckyou fuckyou trustnoone trustnobody whatever whateverwhatever
sunshine sunshinesunshine princess princessprincess football footballfootball baseball basketball superman batman
spiderman starwars startrek pokemon dragon dragondragon monkey monkeymonkey shadow master mastermaster michael
liverpool liverpoolfc manchester manchesterunited barcelona fcbarcelona realmadrid chelseafc arsenal juventus
christmas summertime wintertime springtime autumn december november october september correcthorsebatterystaple
thequickbrownfox thequickbrown tobeornottobe rememberme ilikecheese secretsecret topsecret mysecret secretpassword
company companypassword customerservice customersupport helpdesk supportsupport callcenter switchboard
switchboardswitchboard omnichannel office officepassword internet computer microsoft windows googlegoogle
googlepassword facebook facebookfacebook instagram whatsapp linkedin samsung samsungsamsung android iphone
blink182blink mustang corvette ferrari mercedes motorcycle harleydavidson chocolate chocolatecake strawberry
butterfly butterflies unicorn rainbow cinderella tinkerbell hellokitty marlboro jordan michaeljordan
""".lower().split()
)
"""In lower case."""
